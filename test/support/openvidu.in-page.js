// What a page of an application does with the vendor's library; written for every version of it.
const OV = new OpenVidu()
OV.enableProdMode?.()
const session = OV.initSession()
const seen = { events: [], subscribers: [], publisher: undefined }

const note = (type, facts) => seen.events.push({ type, ...facts })
session.on('connectionCreated', ({ connection }) =>
  note('connectionCreated', { id: connection.connectionId, data: connection.data }),
)
session.on('connectionDestroyed', ({ connection, reason }) =>
  note('connectionDestroyed', { id: connection.connectionId, reason }),
)
session.on('streamCreated', ({ stream }) => {
  note('streamCreated', {
    id: stream.streamId,
    owner: stream.connection.connectionId,
    hasAudio: stream.hasAudio,
    hasVideo: stream.hasVideo,
    typeOfVideo: stream.typeOfVideo,
  })
  seen.subscribers.push(session.subscribe(stream, 'subscribers'))
})
session.on('streamDestroyed', ({ stream, reason }) => note('streamDestroyed', { id: stream.streamId, reason }))
session.on('streamPropertyChanged', ({ changedProperty, newValue }) =>
  note('streamPropertyChanged', { changedProperty, newValue }),
)
session.on('sessionDisconnected', ({ reason }) => note('sessionDisconnected', { reason }))
session.on('signal', ({ type, data, from }) => note('signal', { name: type, data, from: from?.connectionId }))
session.on('recordingStarted', ({ id, name }) => note('recordingStarted', { id, name }))
session.on('recordingStopped', ({ id, name, reason }) => note('recordingStopped', { id, name, reason }))
session.on('exception', ({ name, message }) => note('exception', { name, message }))

/** The library's errors are no errors: what they say would not reach the test. */
const told = (promise) =>
  promise.catch(({ name, code, message }) => {
    throw new Error([name, code, message].join(' '))
  })

window.client = {
  session,
  events: () => seen.events,
  async connect(token, data) {
    await told(session.connect(token, data))
    return session.connection.connectionId
  },
  async publish(properties) {
    const publisher = await new Promise((resolve, reject) => {
      const made = OV.initPublisher('publisher', properties, (error) => (error ? reject(error) : resolve(made)))
    })
    publisher.on('streamDestroyed', ({ reason }) => note('ownStreamDestroyed', { reason }))
    await told(session.publish(publisher))
    seen.publisher = publisher
    return publisher.stream.streamId
  },
  /** Publishes a plain picture and a tone, made in the page. */
  publishColour({ colour, hertz, frameRate }) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 })
    const brush = canvas.getContext('2d')
    let count = 0
    const draw = () => {
      brush.fillStyle = colour
      brush.fillRect(0, 0, canvas.width, canvas.height)
      // A picture that never changes is not sent.
      brush.fillStyle = count++ % 2 ? 'black' : 'white'
      brush.fillRect(0, 0, 4, 4)
    }
    draw()
    setInterval(draw, 1000 / frameRate)
    const context = new AudioContext()
    const destination = context.createMediaStreamDestination()
    const tone = new OscillatorNode(context, { frequency: hertz })
    tone.connect(new GainNode(context, { gain: 0.25 })).connect(destination)
    tone.start()
    return client.publish({
      videoSource: canvas.captureStream(frameRate).getVideoTracks()[0],
      audioSource: destination.stream.getAudioTracks()[0],
      publishAudio: true,
      publishVideo: true,
      mirror: false,
    })
  },
  publisher: () => seen.publisher,
  // With a code that is no goodbye.
  cutSocket: () => sockets.at(-1).close(4000),
  unpublish: () => session.unpublish(seen.publisher),
  videos: () =>
    [...document.querySelectorAll('#subscribers video')].map(({ videoWidth, currentTime, srcObject }) => ({
      videoWidth,
      currentTime,
      tracks:
        srcObject
          ?.getTracks()
          .map(({ kind }) => kind)
          .sort() ?? [],
    })),
}
