import { startsAlike } from '#media/bytes.ts'
import { ascii, boxHeader, join, serialize, u32, u64 } from './box.ts'
import { typeAt, uint64At, viewOf } from './box-reader.ts'
import { FTYP_BYTES, ftyp } from './ftyp.ts'

/**
 * The file's beginning: ftyp, then one `free` box, the room. Its content begins with the control block and is otherwise
 * prepared space, in which the index is written where no reader looks. Changing the room's 4-byte size field then
 * exposes what was prepared, in one write (docs/decisions/0008-mp4-is-finished-by-one-write.md).
 *
 *     free header │ magic │ version │ checkpoint │ room end │ index CRC │ reserved │ ……… prepared space ………
 *     +0            +8      +16       +24          +32        +40         +44       +64
 *
 * The last byte of what was reserved says how the file is to be finished (COMPATIBLE_32_AT).
 */
export const ROOM_AT = FTYP_BYTES
/** Size of the room once it shows only itself: header and control block. */
export const CONTROL_BYTES = 64
export const PREPARED_AT = ROOM_AT + CONTROL_BYTES
export const CHECKPOINT_POINTER_AT = ROOM_AT + 24
export const FINISH_FIELDS_AT = ROOM_AT + 32
/** 1: finished with 32-bit headers only; see Movie. Files from before this byte had a meaning hold 0. */
const COMPATIBLE_32_AT = ROOM_AT + CONTROL_BYTES - 1

const MAGIC = 'tapedeck'
const VERSION = 1

export interface Room {
  /** Where the box that the room's free box hides things before begins: ROOM_AT + its size. */
  readonly endAt: number
  /** Position of the newest index checkpoint, 0 for none. To be verified: it may be from before a power cut. */
  readonly checkpointAt: number
  /** Where the room ended before the part was finished, and what the CRC-32 of the finished index is. */
  readonly unfinishedEndAt: number
  readonly indexCrc: number
  readonly compatible32: boolean
}

/** Everything before the prepared space of a new file. */
export function fileHead(roomEndAt: number, compatible32: boolean): Uint8Array {
  const head = serialize(
    join([
      ftyp(),
      boxHeader('free', roomEndAt - ROOM_AT),
      ascii(MAGIC),
      u32(VERSION, 0),
      u64(0), // checkpoint
      u64(roomEndAt),
      u32(0), // index CRC
      new Uint8Array(20),
    ]),
  )
  head[COMPATIBLE_32_AT] = compatible32 ? 1 : 0
  return head
}

/** Whether a file of ours may go on from here. @param start fewer than its first PREPARED_AT bytes */
export function beginsFile(start: Uint8Array): boolean {
  const head = fileHead(0, false)
  const magicAt = ROOM_AT + 8
  // The size of the room is any; what follows the magic and its version is not looked at.
  return (
    startsAlike(start, head.subarray(0, ROOM_AT)) &&
    startsAlike(start.subarray(ROOM_AT + 4), head.subarray(ROOM_AT + 4, magicAt + MAGIC.length + 4))
  )
}

/** @param head the file's first PREPARED_AT bytes. Undefined: not a file of ours, or of a version we don't know. */
export function readRoom(head: Uint8Array): Room | undefined {
  if (head.length < PREPARED_AT || typeAt(head, 4) !== 'ftyp' || typeAt(head, ROOM_AT + 4) !== 'free') return undefined
  const view = viewOf(head)
  const magic = typeAt(head, ROOM_AT + 8) + typeAt(head, ROOM_AT + 12)
  const size = view.getUint32(ROOM_AT)
  if (magic !== MAGIC || view.getUint32(ROOM_AT + 16) !== VERSION || size < CONTROL_BYTES) return undefined
  return {
    endAt: ROOM_AT + size,
    checkpointAt: uint64At(view, CHECKPOINT_POINTER_AT),
    unfinishedEndAt: uint64At(view, FINISH_FIELDS_AT),
    indexCrc: view.getUint32(FINISH_FIELDS_AT + 8),
    compatible32: head[COMPATIBLE_32_AT] === 1,
  }
}

/** The one write that exposes what was prepared: the room now ends at `endAt`. Four bytes, aligned. */
export const flipRoom = (endAt: number) => ({ kind: 'write', position: ROOM_AT, bytes: u32(endAt - ROOM_AT) }) as const

export const pointAtCheckpoint = (position: number) =>
  ({ kind: 'write', position: CHECKPOINT_POINTER_AT, bytes: u64(position) }) as const

export const noteFinish = (roomEndAt: number, indexCrc: number) =>
  ({ kind: 'write', position: FINISH_FIELDS_AT, bytes: serialize(join([u64(roomEndAt), u32(indexCrc)])) }) as const
