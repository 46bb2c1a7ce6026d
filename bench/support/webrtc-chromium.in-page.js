// Runs in the browser: publishes a moving picture and a tone by WHIP, and says at the end what it has sent.
globalThis.benchPublisher = {
  peer: undefined,
  senders: [],

  /** @param whip address of the endpoint  @returns address of the session, once connected */
  async publish(whip) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
    const brush = canvas.getContext('2d')
    let count = 0
    setInterval(() => {
      brush.fillStyle = `hsl(${count * 7} 80% 50%)`
      brush.fillRect((count * 13) % canvas.width, (count * 7) % canvas.height, 200, 120)
      count++
    }, 33)
    const context = new AudioContext()
    await context.resume()
    const destination = context.createMediaStreamDestination()
    const tone = new OscillatorNode(context, { frequency: 440 })
    tone.connect(destination)
    tone.start()
    const peer = new RTCPeerConnection()
    const tracks = [...destination.stream.getAudioTracks(), ...canvas.captureStream(30).getVideoTracks()]
    this.senders = tracks.map((track) => peer.addTransceiver(track, { direction: 'sendonly' }).sender)
    this.peer = peer
    await peer.setLocalDescription()
    const response = await fetch(whip, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: peer.localDescription.sdp,
    })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
    while (peer.connectionState !== 'connected') {
      if (peer.connectionState === 'failed') throw new Error('the connection failed')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return new URL(response.headers.get('location'), whip).href
  },

  /** Sends nothing more. @returns what was sent, retransmissions left out */
  async finish() {
    for (const sender of this.senders) await sender.replaceTrack(null)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const sent = { pictures: 0, sounds: 0, retransmitted: 0, codec: '' }
    const stats = await this.peer.getStats()
    for (const each of stats.values()) {
      if (each.type !== 'outbound-rtp') continue
      sent.retransmitted += each.retransmittedPacketsSent ?? 0
      if (each.kind === 'audio') sent.sounds += each.packetsSent - (each.retransmittedPacketsSent ?? 0)
      else {
        sent.pictures += each.framesSent
        sent.codec = stats.get(each.codecId)?.mimeType ?? ''
      }
    }
    return sent
  },
}
