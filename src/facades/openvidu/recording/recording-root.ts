import { constants } from 'node:fs'
import { access, mkdir, realpath } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { RecordingPathError } from '../configuration/errors.ts'

/** Where recordings go: a folder in one of the recorder's roots. */
export interface RecordingRoot {
  /** Absolute path of the vendor's recording folder. */
  readonly path: string
  /** The root it lies in, as the recorder knows it. */
  readonly root: string
  /** Path below the root; empty, or with a slash at its end. */
  readonly prefix: string
}

/**
 * Finds and makes the recording folder.
 * @param path OPENVIDU_RECORDING_PATH; empty: the first root
 * @param roots absolute
 * @throws {RecordingPathError} it lies outside all roots, or can't be written to
 */
export async function recordingRoot(path: string, roots: readonly string[]): Promise<RecordingRoot> {
  const wanted = path === '' ? (roots[0] ?? '') : resolve(path)
  const root = roots.find((each) => wanted === each || wanted.startsWith(each.endsWith(sep) ? each : each + sep))
  if (root === undefined) throw new RecordingPathError(wanted, roots)
  try {
    await mkdir(wanted, { recursive: true })
    await access(wanted, constants.W_OK)
    const below = relative(await realpath(root), await realpath(wanted))
    // A link on the way leads somewhere else.
    if (below.startsWith('..')) throw new RecordingPathError(wanted, roots)
  } catch (error) {
    throw error instanceof RecordingPathError ? error : new RecordingPathError(wanted, roots, error)
  }
  const below = relative(root, wanted).split(sep).join('/')
  return { path: wanted, root, prefix: below === '' ? '' : `${below}/` }
}
