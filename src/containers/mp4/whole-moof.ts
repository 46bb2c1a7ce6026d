import type { Change } from '#containers/container.ts'
import { ascii, boxHeader } from './box.ts'

/**
 * A moof must be in the file whole or not at all: FFmpeg (5.1 and 8, so Chromium too) refuses to open a file that ends
 * inside a trun, while it takes a torn mdat or free. A killed process may leave a write unfinished, but only between
 * two pages (the kernel copies page by page and looks for signals in between), so a moof that lies in one page is safe.
 */
const PAGE_BYTES = 4096

const FREE_HEADER_BYTES = 8

export const crossesPage = (position: number, bytes: number): boolean => (position % PAGE_BYTES) + bytes > PAGE_BYTES

/** A `free` box that moves a moof of this size to the next page, empty when it fits where it is (or fits no page). */
export function fillerBefore(position: number, moofBytes: number): Uint8Array {
  if (!crossesPage(position, moofBytes) || moofBytes > PAGE_BYTES - FREE_HEADER_BYTES) return new Uint8Array(0)
  const toNextPage = PAGE_BYTES - (position % PAGE_BYTES)
  const bytes = toNextPage < FREE_HEADER_BYTES ? toNextPage + FREE_HEADER_BYTES : toNextPage
  const filler = new Uint8Array(bytes)
  filler.set(boxHeader('free', bytes))
  return filler
}

/** Gives a moof too large for a page the type `free`; the change that names it moof comes after all of it. */
export function hideMoof(head: Uint8Array, position: number): Change {
  head.set(ascii('free'), 4)
  return { kind: 'write', position: position + 4, bytes: ascii('moof') }
}
