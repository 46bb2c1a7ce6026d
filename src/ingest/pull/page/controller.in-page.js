// Runs in a tab of ours, beside the page: captures the page's tab, and publishes it to this server.
;(() => {
  /** Green is this bright by BT.601; by BT.709 it is 173. */
  const GREEN_601 = 145
  const MEASURING_MS = 3_000
  /** A page that stands still is shown once more, so that whoever comes has something to see. */
  const STILL_MS = 1_000
  const COLOUR_SPACE = { primaries: 'bt709', transfer: 'bt709', matrix: 'smpte170m', fullRange: false }

  async function isMislabelled(track) {
    const timer = setTimeout(() => track.stop(), MEASURING_MS)
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader()
    try {
      for (;;) {
        const { value: frame, done } = await reader.read()
        if (done) return false
        const { matrix } = frame.colorSpace
        const bytes = new Uint8Array(frame.allocationSize())
        await frame.copyTo(bytes)
        // The middle of the first plane, which is brightness in all formats of capturing.
        const { width, height } = frame.visibleRect
        const brightness = bytes[Math.floor(height / 2) * width + Math.floor(width / 2)]
        frame.close()
        if (Math.abs(brightness - GREEN_601) < 8) return matrix === 'bt709'
        if (Math.abs(brightness - 173) < 8) return false
      }
    } finally {
      clearTimeout(timer)
      track.stop()
    }
  }

  async function relabel(reader, writer) {
    let last
    let still
    const show = (bytes, init) => writer.write(new VideoFrame(bytes, { ...init, colorSpace: COLOUR_SPACE }))
    const showAgain = () => {
      const timestamp = last.init.timestamp + Math.round((performance.now() - last.atMs) * 1000)
      show(last.bytes, { ...last.init, timestamp }).catch(() => clearInterval(still))
    }
    for (;;) {
      const { value: frame, done } = await reader.read()
      clearInterval(still)
      if (done) break
      const bytes = new Uint8Array(frame.allocationSize())
      const layout = await frame.copyTo(bytes)
      const { width: codedWidth, height: codedHeight } = frame.visibleRect
      const { format, timestamp } = frame
      frame.close()
      last = { bytes, init: { format, codedWidth, codedHeight, timestamp, layout }, atMs: performance.now() }
      await show(bytes, last.init)
      still = setInterval(showAgain, STILL_MS)
    }
    await writer.close()
  }

  return {
    stream: undefined,
    connection: undefined,

    /** @param told {PageView & { bitrateBps: number }} */
    async capture({ widthPixels, heightPixels, frameRate }) {
      this.stream = await navigator.mediaDevices.getDisplayMedia({
        preferCurrentTab: false,
        video: { width: widthPixels, height: heightPixels, frameRate },
        audio: {
          autoGainControl: false,
          channelCount: 2,
          echoCancellation: false,
          noiseSuppression: false,
          suppressLocalAudioPlayback: true,
        },
      })
      for (const track of this.stream.getTracks()) track.onended = () => this.connection?.close()
      return this.stream.getTracks().map(({ kind }) => kind)
    },

    /**
     * While the page is pure green: Chromium without a graphics card makes pictures by BT.601 and says BT.709, which every
     * player believes. Where that is so, pictures are told what they are. Gives whether they had to be.
     */
    async correctColours() {
      const [track] = this.stream.getVideoTracks()
      if (!(await isMislabelled(track.clone()))) return false
      const generator = new MediaStreamTrackGenerator({ kind: 'video' })
      const reader = new MediaStreamTrackProcessor({ track }).readable.getReader()
      relabel(reader, generator.writable.getWriter()).catch(() => this.connection?.close())
      this.stream = new MediaStream([generator, ...this.stream.getAudioTracks()])
      return true
    },

    async offer({ frameRate, bitrateBps }) {
      const connection = new RTCPeerConnection()
      this.connection = connection
      for (const track of this.stream.getTracks()) {
        const isVideo = track.kind === 'video'
        // Films and animations, not slides: as many pictures as there are.
        if (isVideo) track.contentHint = 'motion'
        const encoding = isVideo ? { maxBitrate: bitrateBps, maxFramerate: frameRate } : {}
        const options = { direction: 'sendonly', streams: [this.stream], sendEncodings: [encoding] }
        const { sender } = connection.addTransceiver(track, options)
        if (!isVideo) continue
        const parameters = sender.getParameters()
        parameters.degradationPreference = 'maintain-resolution'
        await sender.setParameters(parameters)
      }
      await connection.setLocalDescription()
      if (connection.iceGatheringState !== 'complete') {
        await new Promise((resolve) => {
          connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve()
        })
      }
      return connection.localDescription.sdp
    },

    /** The way is a machine's own: the encoder may begin as good as it shall be, with both channels of the sound. */
    async answer({ sdp, bitrateBps }) {
      const kilobits = Math.round(bitrateBps / 1000)
      const more = {
        H264: `x-google-start-bitrate=${kilobits};x-google-min-bitrate=${Math.round(kilobits / 4)}`,
        opus: 'stereo=1;sprop-stereo=1;maxaveragebitrate=160000;usedtx=0',
      }
      let changed = sdp
      for (const [, type, codec] of sdp.matchAll(/^a=rtpmap:(\d+) (H264|opus)\//gm)) {
        const line = new RegExp(`^a=fmtp:${type} .*?(?=\r?$)`, 'm')
        if (line.test(changed)) changed = changed.replace(line, (found) => `${found};${more[codec]}`)
        else
          changed = changed.replace(
            new RegExp(`^a=rtpmap:${type} .*?(?=\r?$)`, 'm'),
            (found) => `${found}\r\na=fmtp:${type} ${more[codec]}`,
          )
      }
      await this.connection.setRemoteDescription({ type: 'answer', sdp: changed })
    },
  }
})()
