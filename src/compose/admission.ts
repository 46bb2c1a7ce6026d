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

/** What counts of a composition. */
type Running = Pick<Composition, 'request' | 'cpu' | 'startedAtMs' | 'isOverloaded'>

/**
 * Whether there is room for another: by what those that run take, and what one of its size took so far.
 * @throws {ComposerBusyError}
 */
export function admit(
  request: CompleteRequest,
  running: readonly Running[],
  capacityCores: number,
  nowMs: number,
): void {
  let [measured, estimated] = [0, 0]
  for (const composition of running) {
    const { cores } = composition.cpu
    if (cores === undefined || !isProven(composition, nowMs)) continue
    measured += cores
    estimated += estimatedCores(composition.request)
  }
  const factor = estimated > 0 ? Math.min(MOST_FACTOR, Math.max(LEAST_FACTOR, measured / estimated)) : 1
  const wantedCores = estimatedCores(request) * factor
  const spareCores = spare(running, capacityCores, nowMs)
  if (wantedCores <= spareCores) return
  throw new ComposerBusyError(usedBy(running, nowMs), wantedCores, capacityCores)
}

/** CPU cores that running compositions leave; none where one of them is overloaded. */
export function spare(running: readonly Running[], capacityCores: number, nowMs: number): number {
  if (running.some((composition) => composition.isOverloaded(OVERLOADED_MS))) return 0
  return Math.max(0, capacityCores - usedBy(running, nowMs))
}

/** CPU cores that compositions take: as measured, or as estimated while they are young. */
export function usedBy(running: readonly Running[], nowMs: number): number {
  return running.reduce((sum, composition) => {
    const { cores } = composition.cpu
    if (cores !== undefined && isProven(composition, nowMs)) return sum + cores
    return sum + Math.max(cores ?? 0, estimatedCores(composition.request))
  }, 0)
}

function isProven({ startedAtMs }: Running, nowMs: number): boolean {
  return nowMs - startedAtMs > PROVEN_MS
}

/** CPU cores that a composition of this kind takes, before it was ever measured. */
export function estimatedCores({ video, widthPixels, heightPixels, frameRate }: CompleteRequest): number {
  return SOUND_CORES + (video ? widthPixels * heightPixels * frameRate * CORES_PER_PIXEL_RATE : 0)
}
