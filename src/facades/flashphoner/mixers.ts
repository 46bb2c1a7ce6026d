import type { ComposedTile } from '#compose/composed-tile.ts'
import type { ComposerApi } from '#compose/composer.ts'
import type { Composition } from '#compose/composition.ts'
import type { Layout } from '#compose/layout/layouts.ts'
import { DEFAULT_REQUEST } from '#compose/request.ts'
import { MediaSessionUnknownError, MixerUriTakenError, MixerUriUnknownError, RestBodyError } from './errors.ts'
import type { MediaSession, MediaSessions } from './media-sessions.ts'
import type { Recordings } from './recordings.ts'
import type { RestBody } from './rest-body.ts'
import { found, type RestMethod } from './rest-methods.ts'
import { type StreamObject, streamObject } from './stream-object.ts'
import { pathOfName } from './stream-path.ts'

/** Application of the streams that mixers publish. */
const MIXER_APP = 'mixer'

/** The vendor's layout classes, as far as there is one like it here; all others are grids. */
const LAYOUTS: readonly (readonly [part: string, layout: Layout])[] = [
  ['PresenterLayout', 'vertical-presentation'],
  ['PictureInPictureLayout', 'picture-in-picture'],
]

export interface MixersOptions {
  readonly composer: ComposerApi
  readonly sessions: MediaSessions
  readonly recordings: Recordings
}

interface Mixer {
  readonly composition: Composition
  /** By the stream's name. */
  readonly tiles: Map<string, ComposedTile>
}

/** Several streams as one picture and one sound: `/mixer/*`. What comes out is an ordinary stream. spec section 6.3. */
export class Mixers {
  readonly #options: MixersOptions
  readonly #byUri = new Map<string, Mixer>()
  /** Uris of those that are being started. */
  readonly #starting = new Set<string>()

  constructor(options: MixersOptions) {
    this.#options = options
  }

  /** By path below `/rest-api`. */
  methods(): Readonly<Record<string, RestMethod>> {
    return {
      '/mixer/startup': (body) => this.#startup(body),
      '/mixer/add': (body) => this.#add(body),
      '/mixer/remove': (body) => {
        const { tiles } = this.#mixer(body)
        const name = body.text('remoteStreamName')
        const tile = tiles.get(name)
        if (tile === undefined) throw new MediaSessionUnknownError(name)
        tiles.delete(name)
        tile[Symbol.dispose]()
      },
      '/mixer/find_all': () => {
        this.#forgetEnded()
        return found(
          Array.from(this.#byUri, (entry) => this.#describe(entry)),
          'mixer',
        )
      },
      '/mixer/terminate': async (body) => {
        const { composition } = this.#mixer(body)
        this.#byUri.delete(body.text('uri'))
        await composition.end()
      },
    }
  }

  async #startup(body: RestBody): Promise<void> {
    const uri = body.text('uri')
    const name = body.text('localStreamName')
    const [video, audio] = [body.optionalFlag('hasVideo') ?? true, body.optionalFlag('hasAudio') ?? true]
    if (!video && !audio) throw new RestBodyError('one of hasVideo and hasAudio has to be true')
    const output = pathOfName(MIXER_APP, name)
    if (output === undefined) throw new RestBodyError('localStreamName can’t name a stream')
    const layoutClass = body.optionalText('mixerLayoutClass') ?? ''
    const layout = LAYOUTS.find(([part]) => layoutClass.endsWith(part))?.[1] ?? DEFAULT_REQUEST.layout
    this.#forgetEnded()
    const isNameTaken = this.#options.sessions.named(name) !== undefined
    if (this.#byUri.has(uri) || this.#starting.has(uri) || isNameTaken) throw new MixerUriTakenError(uri, name)
    this.#starting.add(uri)
    try {
      const composition = await this.#options.composer.start({ ...DEFAULT_REQUEST, output, video, audio, layout })
      this.#byUri.set(uri, { composition, tiles: new Map() })
    } finally {
      this.#starting.delete(uri)
    }
  }

  #add(body: RestBody): void {
    const { composition, tiles } = this.#mixer(body)
    const name = body.text('remoteStreamName')
    const session = this.#options.sessions.named(name)
    if (session === undefined) throw new MediaSessionUnknownError(name)
    const facts = {
      name: body.optionalText('streamLabel') ?? name,
      kind: 'camera' as const,
      isVideoMuted: body.optionalFlag('hasVideo') === false,
      isAudioMuted: body.optionalFlag('hasAudio') === false,
    }
    const before = tiles.get(name)
    // Added again, it is shown as it is wanted now.
    if (before !== undefined && before.stream === session.stream) before.update(facts)
    else tiles.set(name, composition.add(session.stream, facts))
  }

  #describe([uri, { composition }]: [string, Mixer]): Readonly<Record<string, unknown>> {
    const { sessions, recordings } = this.#options
    const sessionOf = (path: string): MediaSession | undefined =>
      [...sessions.all()].find(({ stream }) => stream.path === path)
    const own = sessionOf(composition.output)
    const mediaSessions: StreamObject[] = composition.tiles.flatMap(({ stream }) => {
      const session = sessionOf(stream.path)
      return session === undefined ? [] : [streamObject(session, recordings)]
    })
    return {
      localMediaSessionId: own?.mediaSessionId ?? null,
      remoteMediaSessionId: null,
      localStreamName: own?.name ?? null,
      remoteStreamName: null,
      uri,
      status: 'PROCESSED_LOCAL',
      hasAudio: composition.request.audio,
      hasVideo: composition.request.video,
      record: own !== undefined && recordings.of(own).length > 0,
      mediaSessions,
    }
  }

  /** Somebody may have ended the stream by other means, and streams leave by themselves. */
  #forgetEnded(): void {
    for (const [uri, { composition, tiles }] of this.#byUri) {
      if (composition.state === 'ended') this.#byUri.delete(uri)
      for (const [name, tile] of tiles) if (tile.stream.end !== undefined) tiles.delete(name)
    }
  }

  #mixer(body: RestBody): Mixer {
    const uri = body.text('uri')
    this.#forgetEnded()
    const mixer = this.#byUri.get(uri)
    if (mixer === undefined) throw new MixerUriUnknownError(uri)
    return mixer
  }
}
