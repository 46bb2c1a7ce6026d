import type { Composition } from './composition.ts'
import { ComposerBusyError } from './errors.ts'
import type { CompleteRequest } from './request.ts'

/** Cores for 1280×720 at 25 with four tiles, as measured; in proportion to the pixels for other sizes. */
const CORES_PER_PIXEL_RATE = 0.35 / (1280 * 720 * 25)
/** Cores for sound alone. */
const SOUND_CORES = 0.04
/** Before it is so old a composition has not shown what it costs: its tiles are still to come. */
const PROVEN_MS = 30_000
/** Where pictures were left out within this, there is no room for more of them. */
const OVERLOADED_MS = 5_000
/** How far what was measured may move the estimate. */
const [LEAST_FACTOR, MOST_FACTOR] = [0.25, 4]

/**
 * Whether there is room for another: by what those that run take, and what one of its size took so far.
 * @throws {ComposerBusyError}
 */
export function admit(
  request: CompleteRequest,
  running: readonly Pick<Composition, 'request' | 'cpu' | 'startedAtMs' | 'isOverloaded'>[],
  capacityCores: number,
  nowMs: number,
): void {
  let usedCores = 0
  let [measured, estimated] = [0, 0]
  for (const composition of running) {
    const { cores } = composition.cpu
    const estimate = estimatedCores(composition.request)
    const isProven = cores !== undefined && nowMs - composition.startedAtMs > PROVEN_MS
    if (isProven) {
      measured += cores
      estimated += estimate
    }
    usedCores += isProven ? cores : Math.max(cores ?? 0, estimate)
  }
  const factor = estimated > 0 ? Math.min(MOST_FACTOR, Math.max(LEAST_FACTOR, measured / estimated)) : 1
  const wantedCores = estimatedCores(request) * factor
  const isOverloaded = running.some((composition) => composition.isOverloaded(OVERLOADED_MS))
  if (usedCores + wantedCores <= capacityCores && !isOverloaded) return
  throw new ComposerBusyError(usedCores, wantedCores, capacityCores)
}

/** CPU cores that a composition of this kind takes, before it was ever measured. */
export function estimatedCores({ video, widthPixels, heightPixels, frameRate }: CompleteRequest): number {
  return SOUND_CORES + (video ? widthPixels * heightPixels * frameRate * CORES_PER_PIXEL_RATE : 0)
}
