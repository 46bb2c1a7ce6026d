import type { Frame } from 'node-av/lib'
import type { AudioSource, VideoSource } from '../messages.ts'
import type { TileFacts } from '../request.ts'
import { SoundInput } from './sound-input.ts'
import { VideoInput } from './video-input.ts'

/** Where a source's times lie in the composition. */
export interface TileClock {
  /** When in the composition a moment of the source is due. */
  dueMs(sourceMs: number): number
  /** See SourceClock. */
  arrived(sourceMs: number, arrivedMs: number, isRemembered: boolean): void
}

/** One participant: what it sends, decoded, on the clock of the composition. */
export class Tile implements Disposable {
  facts: TileFacts
  readonly #clock: TileClock
  #video: VideoInput | undefined
  #sound: SoundInput | undefined
  #soundSource: AudioSource | undefined

  constructor(facts: TileFacts, clock: TileClock) {
    this.facts = facts
    this.#clock = clock
  }

  get picture(): Frame | undefined {
    return this.#video?.picture
  }

  get pixelAspect(): number {
    return this.#video?.pixelAspect ?? 1
  }

  get sound(): SoundInput | undefined {
    return this.#sound
  }

  get energy(): number {
    return this.#sound?.energy ?? 0
  }

  advance(nowMs: number, patienceMs: number): boolean {
    return this.#video?.advance(nowMs, patienceMs) ?? false
  }

  followVideo(source: VideoSource | undefined): void {
    if (source === undefined) {
      this.#video?.[Symbol.dispose]()
      this.#video = undefined
      return
    }
    this.#video ??= new VideoInput((sourceMs) => this.#clock.dueMs(sourceMs))
    this.#video.follow(source)
  }

  followAudio(source: AudioSource | undefined): void {
    this.#sound?.[Symbol.dispose]()
    this.#sound = undefined
    this.#soundSource = source
    this.#openSound()
  }

  takeVideo(payload: Uint8Array, dtsMs: number, ptsMs: number, isRandomAccess: boolean): void {
    this.#video?.take(payload, dtsMs, ptsMs, isRandomAccess)
  }

  takeAudio(payload: Uint8Array, ptsMs: number): void {
    try {
      this.#sound?.take(payload, ptsMs)
    } catch {
      // Damaged: silence is heard in its place.
    }
  }

  arrived(dtsMs: number, arrivedMs: number, isRemembered: boolean): void {
    this.#clock.arrived(dtsMs, arrivedMs, isRemembered)
  }

  [Symbol.dispose](): void {
    this.#video?.[Symbol.dispose]()
    this.#sound?.[Symbol.dispose]()
  }

  #openSound(): void {
    if (this.#soundSource === undefined) return
    try {
      this.#sound = new SoundInput(this.#soundSource, (sourceMs) => this.#clock.dueMs(sourceMs))
    } catch {
      // Sound nobody can decode: the tile is silent.
    }
  }
}
