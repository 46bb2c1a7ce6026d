import { randomBytes } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { Config, FacadeSettings, ListenAddress } from './config.ts'
import { ConfigInvalidError, UnknownProfileError } from './errors.ts'
import type { ConfigProfile, FacadeDeclaration } from './facade.ts'
import { readConfigFile } from './file.ts'
import { environmentName, type KeyTree, type ValuesOf } from './key.ts'
import { type ConfigLayers, type EffectiveKey, readLayers } from './layers.ts'
import { nodeName } from './node-name.ts'
import type { ConfigProblem } from './problem.ts'
import { CONFIG_KEYS } from './sections/all.ts'
import { checkAuth } from './sections/auth.ts'
import { checkHooks } from './sections/hooks.ts'
import { checkPages } from './sections/pages.ts'
import { checkPulls } from './sections/pulls.ts'
import { checkRtmp } from './sections/rtmp.ts'
import { checkRtsp } from './sections/rtsp.ts'
import { checkRules } from './sections/rules.ts'
import { facadeListeners, refuseStrangers } from './strangers.ts'
import { formatListenAddress } from './values/listen-address.ts'

/** Everything a configuration is made of; nothing is taken from the process. */
export interface ConfigSources {
  /** As given with --config or TAPEDECK_CONFIG; undefined: tapedeck.yaml in `cwd` when there is one. */
  readonly file: string | undefined
  readonly env: ConfigLayers['env']
  /** Dotted path → text. */
  readonly flags: ConfigLayers['flags']
  readonly cwd: string
  /** `keep` writes a new node name to the data folder when it has none; `look` changes nothing. Default keep. */
  readonly nodeName?: 'keep' | 'look'
  /** Whose sections may stand below `facades`. Default none. */
  readonly facades?: readonly FacadeDeclaration[]
  /** The name given with --like: one of the facades' profiles lies below the file. */
  readonly like?: string | undefined
}

/** The configuration, and what `tapedeck config` shows of it. */
export interface LoadedConfig {
  readonly config: Config
  /** Every key with its value before paths were made absolute, and its origin, in the order of the sample. */
  readonly keys: readonly EffectiveKey[]
  /** Absolute path of the file read. */
  readonly file: string | undefined
}

/**
 * Reads file, environment and flags; applies defaults; checks everything.
 * @throws {ConfigInvalidError} all problems at once
 * @throws {ConfigFileError} the named file can't be read
 * @throws {OpenToStrangersError} reachable from beyond loopback without a credential (promise 8)
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const file = await readConfigFile(sources.file ?? sources.env['TAPEDECK_CONFIG'], sources.cwd)
  const facades = sources.facades ?? []
  const profile =
    sources.like === undefined ? undefined : { name: sources.like, values: profileOf(facades, sources.like) }
  const tree = { ...CONFIG_KEYS, facades: facadeTree(facades) }
  const env = { ...sources.env, ...likeEnvironment(facades, sources) }
  const { keys, problems } = readLayers(tree, { file, env, flags: sources.flags, profile })
  if (problems.length > 0) throw new ConfigInvalidError(problems)
  const values = nest(keys) as Values
  // A path in the file is meant from where the file stands, anything else from where the command was typed.
  const folderOf = (path: string) => {
    const isInFile = keys.some((each) => each.path === path && each.origin.kind === 'file')
    return isInFile && file !== undefined ? dirname(file.path) : sources.cwd
  }
  const absolute: Absolute = (path, name) => resolve(folderOf(path), name)
  const config = { ...effectiveConfig(values, absolute), facades: facadeSettings(facades, values.facades, absolute) }
  const combined = [
    ...checkRules(config.rules, config.recordings),
    ...checkRtmp(config.rtmp),
    ...checkRtsp(config.rtsp),
    ...checkAuth(config.auth),
    ...checkHooks(config.hooks),
    ...checkPages(config.pages),
    ...checkPulls(config.pulls),
    ...checkListeners(config, facades),
  ]
  if (combined.length > 0) throw new ConfigInvalidError(combined)
  refuseStrangers(config, facades, () => randomBytes(24).toString('hex'))
  if (config.node !== '') return { config, keys, file: file?.path }
  const node = await nodeName(config.data, sources.nodeName !== 'look')
  return { config: { ...config, node }, keys, file: file?.path }
}

type Values = ValuesOf<typeof CONFIG_KEYS> & { readonly facades?: Readonly<Record<string, FacadeSettings>> }

function facadeTree(facades: readonly FacadeDeclaration[]): KeyTree {
  return Object.fromEntries(facades.map(({ name, keys }) => [name, keys]))
}

/** @throws {UnknownProfileError} */
function profileOf(facades: readonly FacadeDeclaration[], name: string): ConfigProfile {
  const profiles = Object.assign({}, ...facades.map(({ likes }) => likes)) as Record<string, ConfigProfile>
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (profile === undefined) throw new UnknownProfileError(name, Object.keys(profiles))
  return profile
}

/** The vendor's own variables as ours, where those are not set. */
function likeEnvironment(facades: readonly FacadeDeclaration[], { like, env }: ConfigSources): ConfigLayers['env'] {
  const facade = facades.find(({ likes }) => like !== undefined && Object.hasOwn(likes, like))
  const keys = Object.entries(facade?.environment?.(env) ?? {})
  const named = keys.map(([key, value]) => [environmentName(key), value] as const)
  return Object.fromEntries(named.filter(([name]) => env[name] === undefined))
}

function facadeSettings(
  facades: readonly FacadeDeclaration[],
  values: Readonly<Record<string, FacadeSettings>> = {},
  absolute: Absolute,
): Config['facades'] {
  const settings: Record<string, FacadeSettings> = {}
  for (const { name, paths } of facades) {
    const section = structuredClone(values[name] ?? { enabled: false })
    for (const path of paths) {
      setPath(section, path.split('.'), (text) => (text === '' ? '' : absolute(`facades.${name}.${path}`, text)))
    }
    settings[name] = section
  }
  return settings
}

function setPath(section: object, [first = '', ...rest]: readonly string[], change: (text: string) => string): void {
  const at = section as Record<string, unknown>
  const value = at[first]
  if (rest.length > 0 && typeof value === 'object' && value !== null) setPath(value, rest, change)
  else if (typeof value === 'string') at[first] = change(value)
}

function nest(keys: readonly EffectiveKey[]): unknown {
  const root: Record<string, unknown> = {}
  for (const { path, value } of keys) {
    const names = path.split('.')
    const last = names.pop() ?? path
    let section = root
    for (const name of names) {
      section[name] ??= {}
      section = section[name] as Record<string, unknown>
    }
    section[last] = value
  }
  return root
}

type Absolute = (path: string, name: string) => string

function effectiveConfig(values: Values, absolute: Absolute): Omit<Config, 'facades'> {
  const { root, ...recordings } = values.recordings
  const pem = (path: string, name: string) => (name === '' ? '' : absolute(path, name))
  const tls = (section: string, given: Values['rtmp']['tls']) => ({
    ...given,
    certificate: pem(`${section}.tls.certificate`, given.certificate),
    key: pem(`${section}.tls.key`, given.key),
  })
  return {
    ...values,
    data: absolute('data', values.data),
    recordings: { ...recordings, roots: root.map((name) => absolute('recordings.root', name)) },
    rules: values.rules,
    pullFolders: values.pullFolders.map((name) => absolute('pullFolders', name)),
    hooks: {
      ...values.hooks,
      exec: values.hooks.exec.map((hook) => ({
        ...hook,
        // A bare name is looked up in PATH when it is run.
        command: hook.command.includes('/') ? absolute('hooks.exec', hook.command) : hook.command,
      })),
    },
    rtmp: { ...values.rtmp, tls: tls('rtmp', values.rtmp.tls) },
    rtsp: { ...values.rtsp, tls: tls('rtsp', values.rtsp.tls) },
  }
}

/** Two listeners can't share an address. */
function checkListeners(config: Config, facades: readonly FacadeDeclaration[]): ConfigProblem[] {
  const listeners: readonly (readonly [path: string, address: ListenAddress | undefined])[] = [
    ['api.listen', config.api.listen],
    ['rtmp.listen', config.rtmp.listen],
    ['rtmp.tls.listen', config.rtmp.tls.listen],
    ['rtsp.listen', config.rtsp.listen],
    ['rtsp.tls.listen', config.rtsp.tls.listen],
    ...facadeListeners(config, facades).map(({ key, address }) => [key, address] as const),
  ]
  const takenBy = new Map<string, string>()
  const problems: ConfigProblem[] = []
  for (const [path, address] of listeners) {
    if (address === undefined || address.port === 0) continue
    const text = formatListenAddress(address)
    const other = takenBy.get(text)
    takenBy.set(text, path)
    if (other === undefined) continue
    problems.push({ path, found: text, expected: `is taken by ${other}: choose another port`, where: '' })
  }
  return problems
}
