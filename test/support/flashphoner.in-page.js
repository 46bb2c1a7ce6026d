// Runs in a page that has loaded the vendor's SDK: what a page does with it, in a few words for tests.
window.wcs = {
  /** By name of the stream: what the page has been told, in its order. */
  told: {},
  streams: {},
  displays: {},
  session: undefined,

  /** Resolves once the session is there. */
  connect(url, options = {}) {
    const { SESSION_STATUS } = Flashphoner.constants
    Flashphoner.init()
    return new Promise((resolve, reject) => {
      this.session = Flashphoner.createSession({ urlServer: url, ...options })
      this.session.on(SESSION_STATUS.ESTABLISHED, () => resolve('ESTABLISHED'))
      this.session.on(SESSION_STATUS.FAILED, () => reject(new Error('the session failed')))
      this.session.on(SESSION_STATUS.DISCONNECTED, () => reject(new Error('the session was refused')))
    })
  },

  publish(name, options = {}) {
    this.stream(name, name, { receiveVideo: false, receiveAudio: false, ...options }).publish()
  },

  play(key, name) {
    this.stream(key, name, {}).play()
  },

  stop(key) {
    this.streams[key].stop()
  },

  /** Pictures that turn white, and sound that beeps, at the same moment of every second. */
  flashAndBeep() {
    const canvas = document.createElement('canvas')
    Object.assign(canvas, { width: 320, height: 240 })
    const picture = canvas.getContext('2d')
    const audio = new AudioContext()
    const gain = audio.createGain()
    const tone = audio.createOscillator()
    const sound = audio.createMediaStreamDestination()
    gain.gain.value = 0
    tone.connect(gain).connect(sound)
    tone.start()
    setInterval(() => {
      const isOn = performance.now() % 1_000 < 200
      gain.gain.value = isOn ? 0.5 : 0
      picture.fillStyle = isOn ? 'white' : 'black'
      picture.fillRect(0, 0, 320, 240)
    }, 10)
    return new MediaStream([...canvas.captureStream(30).getTracks(), ...sound.stream.getTracks()])
  },

  publishFlashes(name, options = {}) {
    this.publish(name, { ...options, constraints: { customStream: this.flashAndBeep() } })
  },

  /** The connection stays, and nothing is sent over it. */
  async fallSilent() {
    const senders = peerConnections.flatMap((connection) => connection.getSenders())
    await Promise.all(senders.map((sender) => sender.replaceTrack(null)))
  },

  /** An offer that nobody will ever follow with a connection. */
  async offer() {
    const connection = new RTCPeerConnection()
    connection.addTransceiver('video', { direction: 'sendonly' })
    const { sdp } = await connection.createOffer()
    return sdp
  },

  /** Numbers of the picture that a stream is shown as. */
  async shown(key) {
    const video = this.displays[key].querySelector('video')
    return [video?.videoWidth ?? 0, video?.currentTime ?? 0]
  },

  /** Resolves with [status, info, record name] once one of the statuses has come. */
  async until(key, ...statuses) {
    for (;;) {
      const found = this.told[key].find(([status]) => statuses.includes(status))
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  },

  display() {
    const display = document.createElement('div')
    document.body.append(display)
    return display
  },

  stream(key, name, options) {
    const { STREAM_STATUS } = Flashphoner.constants
    this.told[key] = []
    this.displays[key] = this.display()
    const stream = this.session.createStream({ name, display: this.displays[key], ...options })
    this.streams[key] = stream
    for (const status of ['PUBLISHING', 'UNPUBLISHED', 'FAILED', 'PLAYING', 'STOPPED']) {
      stream.on(STREAM_STATUS[status], () =>
        this.told[key].push([status, stream.getInfo() ?? null, stream.getRecordInfo() ?? null]),
      )
    }
    return stream
  },
}
