import type { AttachOptions } from '#hub/stream.ts'
import type { StreamSource } from './held-stream.ts'
import type { ResolvedRequest } from './request-defaults.ts'

/**
 * What a source is told to begin with anew needs not be remembered for longer: browsers send a random access point when
 * they are asked, else hardly ever, and a recording is not to begin minutes before anybody wanted it.
 */
const MAX_REMEMBERED_MS = 2_000

/**
 * Where a recording that begins now joins the stream: at what is remembered, or at what comes when the source is asked.
 * @param backMs it is to begin so far in the past
 */
export function joinsFrom(
  stream: Pick<StreamSource, 'memoryAgeMs' | 'canAskRandomAccess'>,
  startOn: ResolvedRequest['startOn'],
  backMs: number,
): AttachOptions['from'] {
  if (startOn === 'now') return 'now'
  if (backMs > 0 || !stream.canAskRandomAccess()) return 'memory'
  return (stream.memoryAgeMs(0) ?? Number.POSITIVE_INFINITY) > MAX_REMEMBERED_MS ? 'now' : 'memory'
}
