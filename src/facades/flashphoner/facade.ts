import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { type CertificatePair, loadCertificate } from '#base/tls/certificate.ts'
import type { ListenAddress } from '#config/config.ts'
import type { ValuesOf } from '#config/key.ts'
import { type FacadeContext, implementFacade, type RunningFacade } from '../facade.ts'
import { recordAutomatically } from './automatic.ts'
import { FLASHPHONER } from './declaration.ts'
import { FlashphonerSettingsError, PropertiesFileError } from './errors.ts'
import { HookLedger } from './hook-ledger.ts'
import { MediaSessions } from './media-sessions.ts'
import { Mixers } from './mixers.ts'
import { MultiRecorders } from './multi-recorders.ts'
import { decodeProperties, parseProperties } from './properties.ts'
import { RecordHooks } from './record-hooks.ts'
import { RecordTickets } from './record-tickets.ts'
import { Recordings } from './recordings.ts'
import { recordingMethods } from './rest-methods.ts'
import { RTMP_NAMES } from './rtmp-names.ts'
import { type RecordSettings, readSettings, SETTING_KEYS } from './settings.ts'
import { logRefusals } from './signalling/desk.ts'
import { Rooms } from './signalling/rooms.ts'
import { openSignalling, type SignallingDoor } from './signalling/server.ts'
import { statistics } from './statistics.ts'
import { openWeb } from './web.ts'

type Settings = ValuesOf<typeof FLASHPHONER.keys>

/** Records and answers as Flashphoner WCS does. */
export const flashphoner = implementFacade(FLASHPHONER, { start })

async function start(config: Settings, context: FacadeContext): Promise<RunningFacade> {
  const { runtime, control, roots } = context
  const settings = await readVendorSettings(config)
  tell(settings, context)
  const [records = ''] = roots
  await using opening = new AsyncDisposableStack()
  const sessions = opening.use(new MediaSessions(runtime, control.hub))
  const recordings = new Recordings({ runtime, recorder: control.recorder, settings })
  const { scripts, recorder } = control
  const ledger = await HookLedger.open(join(context.data, 'hooks-run.txt'))
  const { hookScript: script, multipleHookScript: multipleScript } = settings
  const hooks = opening.use(new RecordHooks({ runtime, recorder, scripts, script, multipleScript, ledger }))
  hooks.catchUp().catch((error: unknown) => runtime.log.error({ event: 'facade.hooks-not-caught-up', err: error }))
  await using opened = new AsyncDisposableStack()
  opened.use(recordAutomatically(sessions, recordings, runtime))
  const mixers = new Mixers({ composer: control.composer, sessions, recordings })
  const multiple = new MultiRecorders({ combined: control.combined, recorder, sessions, settings })
  // Whoever needs no password for records needs no ticket either.
  const tickets = config.password === '' ? undefined : new RecordTickets()
  const doors = {
    runtime,
    recorder,
    records,
    methods: { ...recordingMethods(sessions, recordings), ...multiple.methods(), ...mixers.methods() },
    statistics: () => statistics(sessions, recordings),
    guard: { userName: config.userName, password: config.password, ...config.web },
    sdkFolder: config.sdkFolder,
    tickets,
  }
  const addresses: Record<string, ListenAddress> = {}
  const { listen, tls } = config.web
  const { access } = control
  const signalling = {
    desk: {
      runtime,
      access,
      sessions,
      recordings,
      codecs: settings.codecs,
      rooms: new Rooms(),
      // It opens after the facades.
      webrtc: () => control.webrtc,
      media: new Map(),
      refusals: logRefusals(runtime),
      tickets,
    },
    trust: config.web,
  }
  const lines: SignallingDoor[] = []
  const openLine = async (name: string, key: string, address: ListenAddress, certificate?: CertificatePair) => {
    const line = opening.use(await openSignalling({ ...signalling, listen: address, certificate, key }))
    lines.push(line)
    addresses[name] = line.address
  }
  if (listen !== undefined) {
    const door = opened.use(await openWeb({ ...doors, listen, certificate: undefined, key: `${SECTION}.web.listen` }))
    addresses['http'] = door.address
  }
  if (config.ws.listen !== undefined) await openLine('ws', `${SECTION}.ws.listen`, config.ws.listen)
  if (tls.listen !== undefined || config.ws.tls.listen !== undefined) {
    // One for both: a browser that was told to accept it for the page does so for the WebSocket.
    const certificate = await loadCertificate({
      certificateFile: tls.certificate,
      keyFile: tls.key,
      dataDir: context.data,
      name: 'web',
      keys: `${SECTION}.web.tls`,
      nowMs: runtime.nowMs(),
    })
    if (tls.listen !== undefined) {
      const key = `${SECTION}.web.tls.listen`
      addresses['https'] = opened.use(await openWeb({ ...doors, listen: tls.listen, certificate, key })).address
    }
    if (config.ws.tls.listen !== undefined) {
      await openLine('wss', `${SECTION}.ws.tls.listen`, config.ws.tls.listen, certificate)
    }
  }
  const entrances = opened.move()
  const owned = opening.move()
  return {
    addresses,
    rtmp: RTMP_NAMES,
    async closeDoors() {
      await Promise.all([entrances.disposeAsync(), ...lines.map((line) => line.close())])
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const SECTION = 'facades.flashphoner'

/** @throws {PropertiesFileError | FlashphonerSettingsError} */
async function readVendorSettings({ properties: file, override }: Settings): Promise<RecordSettings> {
  const properties = new Map(file === '' ? [] : parseProperties(await readProperties(file)))
  for (const [key, value] of Object.entries(override)) {
    // In a file of the vendor's unknown keys are nobody's business; here one is a slip of the pen.
    if (!SETTING_KEYS.includes(key)) {
      const expected = `one of ${SETTING_KEYS.join(', ')}`
      throw new FlashphonerSettingsError(`${SECTION}.override`, [{ key, found: value, expected }])
    }
    properties.set(key, value)
  }
  const settings = readSettings(properties, file === '' ? `${SECTION}.override` : file)
  return {
    ...settings,
    hookScript: scriptPath(settings.hookScript, 'on_record_hook_script', file),
    multipleHookScript: scriptPath(settings.multipleHookScript, 'on_multiple_record_hook_script', file),
  }
}

async function readProperties(file: string): Promise<string> {
  try {
    return decodeProperties(await readFile(file))
  } catch (error) {
    throw new PropertiesFileError(file, error)
  }
}

/** A name alone is a script in the installation's bin, beside the conf that the properties are in. */
function scriptPath(script: string, key: string, propertiesFile: string): string {
  if (script === '' || isAbsolute(script)) return script
  if (propertiesFile !== '') return resolve(dirname(propertiesFile), '../bin', script)
  throw new FlashphonerSettingsError(`${SECTION}.override`, [{ key, found: script, expected: 'an absolute path' }])
}

/** What an operator who brings his old file should know. */
function tell({ needless, unfollowedFormats, recordStreams }: RecordSettings, { runtime }: FacadeContext): void {
  const { log } = runtime
  if (!recordStreams) log.info({ event: 'facade.recording-off' }, 'record_streams=false: nothing is recorded')
  if (needless.length > 0) {
    log.info(
      { event: 'facade.settings-needless', keys: needless },
      'these settings have no effect: none is needed here',
    )
  }
  if (unfollowedFormats.length > 0) {
    log.warn(
      { event: 'facade.formats-not-written', formats: unfollowedFormats },
      'these pairs of record_formats are not written: such streams become MP4 where it carries their codecs, else FLV',
    )
  }
}
