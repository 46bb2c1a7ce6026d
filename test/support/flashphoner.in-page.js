// Runs in a page that has loaded the vendor's SDK: what a page does with it, in a few words for tests.
window.wcs = {
  /** By name of the stream: what the page has been told, in its order. */
  told: {},
  streams: {},
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
    const stream = this.session.createStream({ name, display: this.display(), ...options })
    this.streams[key] = stream
    for (const status of ['PUBLISHING', 'UNPUBLISHED', 'FAILED', 'PLAYING', 'STOPPED']) {
      stream.on(STREAM_STATUS[status], () =>
        this.told[key].push([status, stream.getInfo() ?? null, stream.getRecordInfo() ?? null]),
      )
    }
    return stream
  },
}
