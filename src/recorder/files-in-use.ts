import { RecordingBusyError } from './errors.ts'

/** Which recording in progress writes to which file: two must never append to one. */
export class FilesInUse {
  readonly #owners = new Map<string, string>()

  /** @throws {RecordingBusyError} another recording writes to the file */
  claim(root: string, relativePath: string, recordingId: string): void {
    const key = `${root}\0${relativePath}`
    const owner = this.#owners.get(key)
    if (owner !== undefined && owner !== recordingId) throw new RecordingBusyError(owner, 'recording to the same file')
    this.#owners.set(key, recordingId)
  }

  /** Whether a recording other than this one writes to the file, or will want its name back. */
  isTaken(root: string, relativePath: string, recordingId: string): boolean {
    const owner = this.#owners.get(`${root}\0${relativePath}`)
    return owner !== undefined && owner !== recordingId
  }

  /** The recording is over. */
  release(recordingId: string): void {
    for (const [key, owner] of this.#owners) if (owner === recordingId) this.#owners.delete(key)
  }
}
