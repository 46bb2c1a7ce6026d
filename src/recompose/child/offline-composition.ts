import { MixedSound, type SoundPieces } from '#compose/child/mixed-sound.ts'
import { PictureEncoder } from '#compose/child/picture-encoder.ts'
import { Scene } from '#compose/child/scene.ts'
import type { Tile } from '#compose/child/tile.ts'
import { OUTPUT_RATE_HZ } from '#compose/messages.ts'
import type { Container } from '#containers/container.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { BeginMessage, MadeMessage } from '../messages.ts'
import { ComposedFile } from './composed-file.ts'
import { KeptTrack } from './kept-track.ts'
import type { Pace } from './pace.ts'

/** Of a composition without pictures, a step. */
const SOUND_STEP_MS = 80
/** Files are read so far ahead: decoders of sound keep some, and pictures come in the order of decoding. */
const AHEAD_MS = 500

/** How the work is done. */
export interface OfflineOptions {
  readonly container: Container
  /** Empty. Stays the caller's. */
  readonly file: PartFile
  readonly pace: Pace
  /** Called with every step, and while it waits. */
  readonly onProgress: (composedMs: number) => void
}

/** Composes files as a live composition does its streams, by a clock that goes as fast as the work is done. */
export async function composeOffline(begin: BeginMessage, options: OfflineOptions): Promise<MadeMessage> {
  const { request, durationMs, createdAtMs, fragmentMs } = begin
  const { container, file, pace, onProgress } = options
  const { widthPixels, heightPixels, frameRate, layout } = request
  await using owned = new AsyncDisposableStack()
  const tracks = begin.tracks.map((task) => owned.use(new KeptTrack(task, request)))
  // One thread: as many as there is room for is the share of one.
  const pictures = request.video ? owned.use(new PictureEncoder(request, 1)) : undefined
  const scene = request.video ? owned.use(new Scene(widthPixels, heightPixels, layout)) : undefined
  const sound = request.audio ? owned.use(new MixedSound(request.audioBitrateBps, 0)) : undefined
  const videoConfiguration = pictures?.configuration ?? new Uint8Array()
  const made = { request, videoConfiguration, container, file, durationMs, createdAtMs, fragmentMs }
  const output = new ComposedFile(made)
  const stepMs = request.video ? 1_000 / frameRate : SOUND_STEP_MS
  const steps = Math.max(1, Math.ceil(durationMs / stepMs))
  for (let number = 0; number < steps; number++) {
    const atMs = number * stepMs
    for (const track of tracks) {
      if (track.goTo(atMs)) scene?.changed()
      await track.read(atMs + stepMs + AHEAD_MS)
    }
    const tiles = tracks.flatMap(({ tile }) => tile ?? [])
    if (pictures !== undefined && scene !== undefined) {
      // As live: a source's picture may be shown up to half a picture early.
      const picture = scene.draw(tiles, atMs + stepMs / 2, Number.POSITIVE_INFINITY)
      pictures.encode(picture, number, (at, isKey, payload) => output.picture(at, isKey, payload))
    }
    if (sound !== undefined) writeSound(output, sound.mixTo(samplesAt(atMs + stepMs), soundsOf(tiles)))
    await output.pass()
    onProgress(atMs)
    await pace.step(() => onProgress(atMs))
  }
  if (sound !== undefined) writeSound(output, sound.finish())
  return await output.finish()
}

function soundsOf(tiles: readonly Tile[]) {
  return tiles.flatMap(({ sound }) => sound ?? [])
}

function writeSound(output: ComposedFile, { positions, payloads }: SoundPieces): void {
  for (const [index, payload] of payloads.entries()) output.sound(positions[index] ?? 0, payload)
}

function samplesAt(ms: number): number {
  return Math.round((ms * OUTPUT_RATE_HZ) / 1_000)
}
