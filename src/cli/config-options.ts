import { type Command, Option } from 'commander'
import { keysOf } from '#config/key.ts'
import { type LoadedConfig, loadConfig } from '#config/load.ts'
import { CONFIG_KEYS } from '#config/sections/all.ts'
import type { CommandContext } from './context.ts'
import { UsageError } from './errors.ts'

/** Adds `--config`, the option of every key that has one, and `--set key=value` for all others. */
export function withConfigOptions(command: Command, { facades }: Pick<CommandContext, 'facades'>): Command {
  command.option('-c, --config <file>', 'configuration file (TAPEDECK_CONFIG; default tapedeck.yaml when there is one)')
  for (const [path, key] of keysOf(CONFIG_KEYS)) {
    if (key.flag !== undefined) command.option(key.flag, `${path}: ${key.about}`)
  }
  const profiles = facades.flatMap(({ likes }) => Object.keys(likes))
  const likeness = new Option('--like <system>', 'begin with the configuration that stands in for another system')
  if (profiles.length > 0) command.addOption(likeness.choices(profiles))
  const collect = (text: string, before: readonly string[]) => [...before, text]
  return command.option('--set <key=value>', 'any key of the configuration; may be repeated', collect, [])
}

/** Loads the configuration that the options of withConfigOptions describe. */
export function configFromOptions(
  options: Readonly<Record<string, unknown>>,
  { env, cwd, facades }: Pick<CommandContext, 'env' | 'cwd' | 'facades'>,
  nodeName: 'keep' | 'look',
): Promise<LoadedConfig> {
  const flags: Record<string, string> = {}
  for (const text of Array.isArray(options['set']) ? options['set'] : []) {
    const [path, value] = splitSetting(String(text))
    flags[path] = value
  }
  for (const [path, key] of keysOf(CONFIG_KEYS)) {
    const value = key.flag === undefined ? undefined : options[optionName(key.flag)]
    if (typeof value === 'string') flags[path] = value
  }
  const file = typeof options['config'] === 'string' ? options['config'] : undefined
  const like = typeof options['like'] === 'string' ? options['like'] : undefined
  return loadConfig({ file, env, flags, cwd, nodeName, facades, like })
}

function splitSetting(text: string): [path: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`--set ${text}: expected key=value, such as --set rtmp.idleTimeoutMs=5000`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** `--rtmp-listen <address>` → `rtmpListen`, as commander names it. */
function optionName(flag: string): string {
  const name = flag.split(' ')[0]?.replace(/^--/, '') ?? flag
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
