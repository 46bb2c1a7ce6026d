import type { FieldReader } from './fields.ts'

/** What of mode web a start asks for. */
export interface PageRequest {
  /** As pulls take it. */
  readonly url: string
  /** It ends after this long. */
  readonly maxHours: number
}

const RECORDER = 'web_recorder_service'
const SIDE = { min: 64, max: 1920 } as const
const MAX_URL_CHARACTERS = 1_900

/** @throws {CloudRefusedError} */
export function readPage(request: FieldReader): PageRequest {
  const config = request.objectOrEmpty('extensionServiceConfig')
  const services = config.objects('extensionServices')
  const [service, other] = services
  if (service?.text('serviceName', 64) !== RECORDER || other !== undefined) {
    throw config.refuse('extensionServices', `expected one, ${RECORDER}`)
  }
  const page = service.objectOrEmpty('serviceParam')
  // What a capture has no say in is read to be refused where it can't be.
  page.whole('audioProfile', 0, { min: 0, max: 2 })
  for (const name of ['onhold', 'mobile']) {
    if (page.flag(name)) throw page.refuse(name, 'there is no such thing here')
  }
  const [width, height] = [page.whole('videoWidth', 1280, SIDE), page.whole('videoHeight', 720, SIDE)]
  const frameRate = page.whole('videoFps', 15, { min: 1, max: 60 })
  const url = page.text('url', MAX_URL_CHARACTERS) ?? ''
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url) || /[\0-\x20\x7f]/.test(url)) {
    throw page.refuse('url', 'expected an address that begins with http:// or https://')
  }
  // Colours are counted for two pixels at a time.
  const view = `size=${width - (width % 2)}x${height - (height % 2)}&fps=${frameRate}`
  return {
    url: `page+${url}${url.includes('#') ? '' : '#'}:~:${view}`,
    maxHours: page.whole('maxRecordingHour', 72, { min: 1, max: 720 }),
  }
}
