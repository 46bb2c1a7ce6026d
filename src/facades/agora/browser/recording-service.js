/**
 * The recording methods of the vendor's SDKs, for pages and programs whose media SDK has lost them. Results come by way
 * of callbacks, as there: `onStartRecordingService(error)`, `onStopRecordingService(error)`,
 * `onRefreshRecordingServiceStatus(status)` (0 stopped, 1 ongoing) and `onApiCallExecuted(api, error)`.
 *
 *     const service = new RecordingService('http://recorder:8001', { channel: 'room', uid: 1 })
 *     service.onRefreshRecordingServiceStatus = (status) => status === 0 && service.startRecordingService(key)
 *     service.refreshRecordingServiceStatus()
 */
export class RecordingService {
  #base
  #channel
  #uid
  #options
  onStartRecordingService = (_error) => {}
  onStopRecordingService = (_error) => {}
  onRefreshRecordingServiceStatus = (_status) => {}
  onApiCallExecuted = (_api, _error) => {}

  /**
   * @param {string} server address of the recording service
   * @param {{ channel: string, uid?: number, tag?: string, audioOnly?: boolean }} options who asks, and for which channel
   */
  constructor(server, { channel, uid = 0, ...options }) {
    this.#base = `${server.replace(/\/+$/, '')}/v1/channels/${encodeURIComponent(channel)}/recording`
    this.#channel = channel
    this.#uid = uid
    this.#options = options
  }

  /** @param {string} recordingKey @returns {number} 0: the call was accepted, -2: it has no key or no channel */
  startRecordingService(recordingKey) {
    if (!this.#accepts(recordingKey)) return -2
    void this.#post('start', { recordingKey, uid: this.#uid, ...this.#options }).then((error) => {
      this.onStartRecordingService(error)
      this.onApiCallExecuted('startRecordingService', error)
    })
    return 0
  }

  /** @param {string} recordingKey @returns {number} as startRecordingService() */
  stopRecordingService(recordingKey) {
    if (!this.#accepts(recordingKey)) return -2
    void this.#post('stop', { recordingKey, uid: this.#uid }).then((error) => {
      this.onStopRecordingService(error)
      this.onApiCallExecuted('stopRecordingService', error)
    })
    return 0
  }

  /** @returns {number} as startRecordingService() */
  refreshRecordingServiceStatus() {
    if (this.#channel === '') return -2
    void this.#call().then(({ error, status }) => {
      if (error === 0) this.onRefreshRecordingServiceStatus(status)
      this.onApiCallExecuted('refreshRecordingServiceStatus', error)
    })
    return 0
  }

  #accepts(recordingKey) {
    return typeof recordingKey === 'string' && recordingKey !== '' && this.#channel !== ''
  }

  async #post(path, fields) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) }
    return (await this.#call(`/${path}`, init)).error
  }

  async #call(path = '', init = {}) {
    try {
      return await (await fetch(`${this.#base}${path}`, init)).json()
    } catch {
      return { error: 1 }
    }
  }
}
