import { extname, resolve } from 'node:path'
import { CONTAINER_NAMES, type ContainerName } from '#containers/container.ts'
import { UsageError } from './errors.ts'

/** The one file of `tapedeck record`, in the terms of a recording request. */
export interface RecordTarget {
  /** Absolute folder. */
  readonly root: string
  /** Name template, without extension. */
  readonly name: string
  /** Undefined: as the request or the default says. */
  readonly format: ContainerName | undefined
}

/** `out/talk.mp4` → folder, name and format; without a file a name from the stream and the time, in `cwd`. */
export function recordTarget(file: string | undefined, cwd: string): RecordTarget {
  if (file === undefined) return { root: cwd, name: '{stream}-{date}-{time}', format: undefined }
  const path = resolve(cwd, file)
  const extension = extname(path)
  const format = CONTAINER_NAMES.find((name) => `.${name}` === extension.toLowerCase())
  if (format === undefined) {
    throw new UsageError(`${file} must end in ${CONTAINER_NAMES.map((name) => `.${name}`).join(', ')}`)
  }
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1, -extension.length)
  if (/[{}]/.test(name)) throw new UsageError(`${file}: braces in the name would be read as a template`)
  return { root: path.slice(0, slash) || '/', name, format }
}

/** Not part of a stream's path. */
const DEFAULT_INSTANCE = '_definst_'

/**
 * The stream path under which a source is recorded: the last two components of its address, made safe; RTMP needs two.
 * Without dots: players give names that end in .mp4 a prefix of Flash Media Server's, and take .flv away.
 */
export function streamPathOf(url: string): string {
  // A query may hold credentials, which don't belong into a name.
  const path = URL.canParse(url) ? new URL(url).pathname : url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^?#]*).*/i, '$1')
  const components = path
    .split('/')
    .map((component) => component.replace(/\.[A-Za-z0-9]{1,5}$/, '').replace(/[^A-Za-z0-9_-]+/g, '-'))
    .map((component) => component.replace(/^-+|-+$/g, ''))
    .filter((component) => component !== '' && component !== DEFAULT_INSTANCE)
  return ['record', ...(components.length === 0 ? ['source'] : components)].slice(-2).join('/')
}
