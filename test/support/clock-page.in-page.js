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
    Object.assign(this, { peer, sender: video.sender, track: pictures, canvas })
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
    const state = { bytesSent: 0, retransmittedPackets: 0, nacks: 0, pictureLosses: 0, availableBps: 0 }
    for (const each of (await this.peer.getStats()).values()) {
      if (each.type === 'outbound-rtp' && each.kind === 'video') {
        state.bytesSent += each.bytesSent
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

  resize(width, height) {
    Object.assign(this.canvas, { width, height })
  },

  stop() {
    this.peer.close()
  },
}
