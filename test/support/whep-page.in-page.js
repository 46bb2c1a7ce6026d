/** Runs in a page: plays what it is answered in a <video>. See whep-page.ts. */
globalThis.whepPage = (() => {
  const connection = new RTCPeerConnection()
  const stream = new MediaStream()
  const video = document.createElement('video')
  video.autoplay = true
  video.playsInline = true
  video.srcObject = stream
  document.body.append(video)
  connection.ontrack = ({ track }) => stream.addTrack(track)

  return {
    async offer(kinds) {
      for (const kind of kinds) connection.addTransceiver(kind, { direction: 'recvonly' })
      await connection.setLocalDescription(await connection.createOffer())
      return connection.localDescription.sdp
    },
    async accept(sdp) {
      await connection.setRemoteDescription({ type: 'answer', sdp })
    },
    async state() {
      const found = { connection: connection.connectionState, width: video.videoWidth, currentTime: video.currentTime }
      const reports = [...(await connection.getStats()).values()]
      for (const report of reports) {
        if (report.type !== 'inbound-rtp') continue
        found[report.kind] = {
          codec: reports.find(({ id }) => id === report.codecId)?.mimeType ?? '',
          packets: report.packetsReceived,
          lost: report.packetsLost,
          frames: report.framesDecoded ?? 0,
          nacks: report.nackCount ?? 0,
          repaired: report.retransmittedPacketsReceived ?? 0,
          level: report.audioLevel ?? 0,
        }
      }
      return found
    },
  }
})()
