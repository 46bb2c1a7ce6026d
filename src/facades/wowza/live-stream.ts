import { type MediaName, parseMediaName } from './media-name.ts'

/** Vendors' word for "no instance". */
export const DEFAULT_INSTANCE = '_definst_'

/** A stream as clients speak of it: application, instance and name, with the path it has in the hub. */
export interface LiveStream {
  readonly app: string
  /** Empty for the default instance. */
  readonly instance: string
  readonly media: MediaName
  /** As the publisher called it, without a query. */
  readonly name: string
  readonly path: string
}

/**
 * What a name means within an application. All spellings of a name are one stream: `mp4:x.mp4`, `mp4:x`, `x.mp4` and `x`
 * are published, played and recorded at the path `app/x`.
 * @throws {StreamPathError}
 */
export function liveStream(app: string, instance: string, sentName: string): LiveStream {
  const media = parseMediaName(sentName)
  const ownInstance = instance === DEFAULT_INSTANCE ? '' : instance
  const path = [app, ownInstance, media.base].filter((part) => part !== '').join('/')
  const [name = ''] = sentName.split('?')
  return { app, instance: ownInstance, media, name, path }
}

/** `APP[/INSTANCE]` of the HTTP interface. */
export function splitApplication(application: string): { readonly app: string; readonly instance: string } {
  const [app = '', ...instance] = application.split('/').filter((part) => part !== '')
  return { app, instance: instance.join('/') }
}

/** Of a stream that came in otherwise, whose name need not follow any rule of ours. */
function readableMedia(name: string): MediaName {
  try {
    return parseMediaName(name)
  } catch {
    return { prefix: '', base: name, extension: '', format: 'flv' }
  }
}

/** What publishers called their streams, as long as they last: what callers call them may say less. */
export class LiveStreams {
  readonly #isLive: (path: string) => boolean
  readonly #published = new Map<string, LiveStream>()

  constructor(isLive: (path: string) => boolean) {
    this.#isLive = isLive
  }

  /** Dispose when the stream has ended. */
  add(stream: LiveStream): Disposable {
    this.#published.set(stream.path, stream)
    return {
      [Symbol.dispose]: () => {
        if (this.#published.get(stream.path) === stream) this.#published.delete(stream.path)
      },
    }
  }

  /**
   * The stream a caller means. One that did not come in by way of this facade may be called by its path, too.
   * @throws {StreamPathError}
   */
  called(app: string, instance: string, sentName: string): LiveStream {
    const called = liveStream(app, instance, sentName)
    const literal = [app, called.instance, called.name].filter((part) => part !== '').join('/')
    if (!this.#isLive(called.path) && this.#isLive(literal)) return { ...called, path: literal }
    return this.#published.get(called.path) ?? called
  }

  /** Of a path in the hub; streams that came in otherwise have their path's first component for an application. */
  atPath(path: string): LiveStream {
    const published = this.#published.get(path)
    if (published !== undefined) return published
    const at = path.indexOf('/')
    const [app, name] = [path.slice(0, Math.max(0, at)), path.slice(at + 1)]
    return { app, instance: '', media: readableMedia(name), name, path }
  }
}
