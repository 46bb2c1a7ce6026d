import { fdatasync, ftruncate, read, write, writev } from 'node:fs'

/**
 * Callback calls on a bare descriptor, one promise per whole operation. Measured against FileHandle on Node 24 (8
 * buffers of 40 kB): 44 instead of 46 µs of CPU per call, and no garbage collection of handles to fear.
 */

/** Most buffers of one writev, IOV_MAX of Linux and of the BSDs. */
export const MAX_IO_VECTORS = 1024

/** Writes all of the buffers at a position: in one system call, unless there are too many or the kernel stops short. */
export function writeAll(fd: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (rest: readonly Uint8Array[], at: number): void => {
      const batch = rest.length <= MAX_IO_VECTORS ? rest : rest.slice(0, MAX_IO_VECTORS)
      writev(fd, batch, at, (error, writtenBytes) => {
        if (error !== null) return reject(error)
        const left = withoutFirst(rest, writtenBytes)
        if (left.length === 0) return resolve()
        // POSIX lets a write of something give nothing without an error; asking again forever would be a hang.
        if (writtenBytes === 0) return reject(new Error('the kernel accepted no byte and gave no reason'))
        step(left, at + writtenBytes)
      })
    }
    step(buffers, position)
  })
}

/** Drops the first bytes of a list of buffers without copying. */
export function withoutFirst(buffers: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)]
    left -= buffer.length
  }
  return []
}

/** Writes one buffer at a position. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (rest: Uint8Array, at: number): void => {
      write(fd, rest, 0, rest.length, at, (error, writtenBytes) => {
        if (error !== null) return reject(error)
        if (writtenBytes === rest.length) return resolve()
        if (writtenBytes === 0) return reject(new Error('the kernel accepted no byte and gave no reason'))
        step(rest.subarray(writtenBytes), at + writtenBytes)
      })
    }
    if (bytes.length === 0) resolve()
    else step(bytes, position)
  })
}

/** Reads up to `bytes`; fewer only at the end of the file. */
export function readAt(fd: number, position: number, bytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const target = new Uint8Array(bytes)
    const step = (filled: number): void => {
      if (filled === bytes) {
        resolve(target)
        return
      }
      read(fd, target, filled, bytes - filled, position + filled, (error, readBytes) => {
        if (error !== null) reject(error)
        else if (readBytes === 0) resolve(target.subarray(0, filled))
        else step(filled + readBytes)
      })
    }
    step(0)
  })
}

export function truncateTo(fd: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    ftruncate(fd, bytes, (error) => (error === null ? resolve() : reject(error)))
  })
}

export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
  })
}
