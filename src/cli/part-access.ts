import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { Container } from '#containers/container.ts'
import type { CommandContext } from './context.ts'
import { FileNotFoundError, UnknownFileTypeError } from './errors.ts'

/**
 * A file of the command line with the container its extension names.
 * @throws {FileNotFoundError} @throws {UnknownFileTypeError}
 */
export async function locatePart(
  file: string,
  context: CommandContext,
): Promise<{ path: string; container: Container }> {
  const path = resolve(context.cwd, file)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new FileNotFoundError(path)
  if (!found.isFile()) throw new FileNotFoundError(path, 'is not a file')
  const containers = Object.values(await context.containers())
  const container = containers.find((each) => `.${each.extension}` === extname(path).toLowerCase())
  if (container !== undefined) return { path, container }
  throw new UnknownFileTypeError(
    path,
    containers.map((each) => `.${each.extension}`),
  )
}
