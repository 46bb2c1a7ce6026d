// Runs in the browser: publishes a picture that shows the time of its sound in milliseconds, with a beep each second.
globalThis.clockPage = {
  peer: undefined,
  sender: undefined,
  track: undefined,

  /** @returns the offer */
  async offer({ width, height, bits, everyMs, codec, noise, bitrate }) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height })
    document.body.append(canvas)
    const brush = canvas.getContext('2d')
    const context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' })
    await context.resume()
    const destination = context.createMediaStreamDestination()
    const gain = new GainNode(context, { gain: 0 })
    const tone = new OscillatorNode(context, { frequency: 1_000 })
    tone.connect(gain).connect(destination)
    tone.start()
    let nextBeep = Math.ceil(context.currentTime + 0.5)
    const pixels = brush.createImageData(width, height / 2)
    const words = new Uint32Array(pixels.data.buffer)
    const draw = () => {
      const now = context.currentTime
      while (nextBeep < now + 2) {
        gain.gain.setValueAtTime(0.5, nextBeep)
        gain.gain.setValueAtTime(0, nextBeep + 0.1)
        nextBeep += everyMs / 1000
      }
      const count = Math.round(now * 1000) & (2 ** bits - 1)
      // Gray code: while it changes, only one bar is in doubt.
      const code = count ^ (count >> 1)
      for (let bit = 0; bit < bits; bit++) {
        brush.fillStyle = (code >> bit) & 1 ? 'white' : 'black'
        brush.fillRect((bit * canvas.width) / bits, 0, canvas.width / bits, canvas.height)
      }
      if (!noise) return
      for (let at = 0; at < words.length; at++) words[at] = 0xff000000 | (Math.random() * 0x1000000)
      brush.putImageData(pixels, 0, canvas.height / 2)
    }
    setInterval(draw, 33)
    const pictures = canvas.captureStream(30).getVideoTracks()[0]
    const sound = destination.stream.getAudioTracks()[0]
    const stream = new MediaStream([pictures, sound])
    const peer = new RTCPeerConnection()
    const sendEncodings = bitrate === undefined ? [{}] : [{ maxBitrate: bitrate }]
    const video = peer.addTransceiver(pictures, { direction: 'sendonly', streams: [stream], sendEncodings })
    peer.addTransceiver(sound, { direction: 'sendonly', streams: [stream] })
    const { codecs } = RTCRtpSender.getCapabilities('video')
    const wanted = ({ mimeType }) => mimeType === `video/${codec}` || mimeType === 'video/rtx'
    video.setCodecPreferences(codecs.filter(wanted))
    await peer.setLocalDescription()
    Object.assign(this, { peer, sender: video.sender, track: pictures, canvas, bits, everyMs })
    this.watchPictures(pictures.clone())
    this.watchSound(sound.clone())
    return peer.localDescription.sdp
  },

  async accept(sdp) {
    const { peer } = this
    await peer.setRemoteDescription({ type: 'answer', sdp })
    while (peer.connectionState !== 'connected') {
      if (peer.connectionState === 'failed') throw new Error('the connection failed')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  },

  async state() {
    const state = {
      bytesSent: 0,
      picturesSent: 0,
      retransmittedPackets: 0,
      nacks: 0,
      pictureLosses: 0,
      availableBps: 0,
    }
    for (const each of (await this.peer.getStats()).values()) {
      if (each.type === 'outbound-rtp' && each.kind === 'video') {
        state.bytesSent += each.bytesSent
        state.picturesSent += each.framesSent ?? 0
        state.retransmittedPackets += each.retransmittedPacketsSent ?? 0
        state.nacks += each.nackCount ?? 0
        state.pictureLosses += each.pliCount ?? 0
      }
      if (each.type === 'candidate-pair') {
        state.availableBps = Math.max(state.availableBps, each.availableOutgoingBitrate ?? 0)
      }
    }
    return state
  },

  /** Camera off and on. */
  async show(isOn) {
    await this.sender.replaceTrack(isOn ? this.track : null)
  },

  /** What is published, before anybody has sent it: when pictures were taken, what they show; when beeps began. In milliseconds. */
  shown: [],
  beeps: [],

  async watchPictures(track) {
    const { bits } = this
    const brush = new OffscreenCanvas(bits, 1).getContext('2d', { willReadFrequently: true })
    let behind = Number.POSITIVE_INFINITY
    for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
      const ms = frame.timestamp / 1000
      // By the page's clock, less what the quickest took to come here.
      behind = Math.min(behind, performance.now() - ms)
      brush.drawImage(frame, 0, 0, frame.codedWidth, frame.codedHeight / 4, 0, 0, bits, 1)
      frame.close()
      const { data } = brush.getImageData(0, 0, bits, 1)
      let code = 0
      for (let bit = 0; bit < bits; bit++) if (data[bit * 4] > 127) code |= 1 << bit
      let count = code
      for (let shift = code >> 1; shift > 0; shift >>= 1) count ^= shift
      this.shown.push({ ms, count })
      this.pictureBehind = behind
    }
  },

  async watchSound(track) {
    let quiet = 0
    let behind = Number.POSITIVE_INFINITY
    for await (const data of new MediaStreamTrackProcessor({ track }).readable) {
      const ms = data.timestamp / 1000
      behind = Math.min(behind, performance.now() - ms)
      const samples = new Float32Array(data.numberOfFrames)
      data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' })
      data.close()
      for (const [at, sample] of samples.entries()) {
        if (Math.abs(sample) < 0.08) quiet++
        else {
          if (quiet > 4_800) this.beeps.push(ms + at / 48)
          quiet = 0
        }
      }
      this.soundBehind = behind
    }
  },

  /** By how much sound was later than pictures in the page itself, at each beep, named by what a picture shows then. */
  own() {
    const { shown, beeps, bits, everyMs, pictureBehind, soundBehind } = this
    return beeps.flatMap((ms) => {
      const beganMs = ms + soundBehind - pictureBehind
      const near = shown.filter((picture) => Math.abs(picture.ms - beganMs) < 300)
      if (near.length < 3) return []
      const leads = near.map((picture) => picture.count - picture.ms).sort((a, b) => a - b)
      const taken = beganMs + leads[leads.length >> 1]
      const beep = Math.round(taken / everyMs) * everyMs
      return [{ shownMs: beep % 2 ** bits, soundLateMs: taken - beep }]
    })
  },

  resize(width, height) {
    Object.assign(this.canvas, { width, height })
  },

  stop() {
    this.peer.close()
  },
}
