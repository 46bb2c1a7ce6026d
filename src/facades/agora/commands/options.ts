import { resolve } from 'node:path'
import type { FacadeCommandContext } from '#config/facade.ts'
import { AgoraOptionError } from '../errors.ts'

/** Options as the command line hands them on. */
export type CommandOptions = Readonly<Record<string, string | true | undefined>>

/** The text of an option; undefined: it was not given. */
export function textOption(options: CommandOptions, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** A whole number from 0 to `max`. @throws {AgoraOptionError} */
export function numberOption(options: CommandOptions, name: string, fallback: number, max: number): number {
  const text = textOption(options, name)
  if (text === undefined) return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > max) throw new AgoraOptionError(name, `a whole number from 0 to ${max}`)
  return value
}

/** Root of the recordings, absolute. @throws {AgoraOptionError} */
export function rootOption(options: CommandOptions, { env, cwd }: FacadeCommandContext): string {
  const given = textOption(options, 'path') ?? env['AGORA_FILE_ROOT'] ?? ''
  if (given === '') throw new AgoraOptionError('path', 'a folder, here or in AGORA_FILE_ROOT')
  return resolve(cwd, given)
}
