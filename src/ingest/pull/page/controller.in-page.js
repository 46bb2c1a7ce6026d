// Runs in a tab of ours, beside the page: captures the page's tab, and publishes it to this server. An expression.
;({
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
})
