import type { ListenAddress } from '#config/config.ts'
import { declareFacade } from '#config/facade.ts'
import { Key, type ValuesOf } from '#config/key.ts'
import { byteSize } from '#config/values/byte-size.ts'
import { choice } from '#config/values/choice.ts'
import { flag } from '#config/values/flag.ts'
import { integer } from '#config/values/integer.ts'
import { list } from '#config/values/list.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { record } from '#config/values/record.ts'
import { text } from '#config/values/text.ts'

/** Whether an application's streams may be recorded: never, when somebody asks, or always. */
export const RECORD_MODES = ['none', 'demand', 'always'] as const
/** What becomes of a file whose name is taken. */
export const EXISTING_FILES = ['version', 'overwrite', 'append'] as const
/** One of {@link EXISTING_FILES}. */
export type ExistingFile = (typeof EXISTING_FILES)[number]

const FOLDER = 'a folder below the recording root, in which {app} and {instance} stand for those of the stream'

const application = record('a mapping such as { name: liverec, recordMode: always }', {
  name: { type: text('the name of an application, or a pattern such as live*', { minLength: 1 }), required: true },
  recordMode: { type: choice(RECORD_MODES) },
  folder: { type: text(FOLDER) },
  existing: { type: choice(EXISTING_FILES) },
  maxDurationSeconds: { type: integer({ min: 0, unit: 'seconds', zeroMeans: 'no limit' }), fallback: 0 },
  maxSizeBytes: { type: byteSize({ min: 0 }), fallback: 0 },
})

const user = record("a mapping such as { name: admin, password: '…' }", {
  name: { type: text('a user name without a colon', { pattern: /^[^:]+$/ }), required: true },
  password: { type: text('a password', { minLength: 1 }), required: true },
})

/** Everything that can be set about Flash Media Server, Wowza and nanoStream. */
export const WOWZA_KEYS = {
  enabled: new Key(flag, {
    default: false,
    about: 'Understand the clients of Flash Media Server, Wowza LiveStreamRecord and nanoStream.',
  }),
  recordMode: new Key(choice(RECORD_MODES), {
    default: 'demand',
    about:
      'Of applications not listed below. none: nobody may record. demand: publishers (record, append) and callers may. always: every stream is recorded, in the way its publish type says.',
  }),
  folder: new Key(text(FOLDER), {
    default: '{app}/streams/{instance}',
    about: 'Where recordings lie below the recording root; {app} and {instance} are those of the stream.',
  }),
  existing: new Key(choice(EXISTING_FILES), {
    default: 'version',
    about: 'What always-recorded streams do with a file of their name: rename it, overwrite it or append to it.',
  }),
  applications: new Key(list(application, 'applications'), {
    default: [],
    about:
      'Applications that differ: name (or a pattern), recordMode, folder, existing, maxDurationSeconds and maxSizeBytes (MaxDurationCap and MaxSizeCap). The first that matches counts.',
  }),
  mp4Extension: new Key(choice(['.mp4', '.f4v']), {
    default: '.mp4',
    about: 'Extension of mp4: names that have none. Flash Media Server from 3.5 on wrote .f4v.',
  }),
  strictNames: new Key(flag, {
    default: false,
    about: 'Refuse to record H.264 under a name without mp4:, as Flash Media Server did, instead of writing FLV.',
  }),
  deleteOnLive: new Key(flag, {
    default: false,
    about: 'Delete the recording of a name that is published live, as old Flash Media Servers did.',
  }),
  callersWaitSeconds: new Key(integer({ min: 0, max: 86_400, unit: 'seconds' }), {
    default: 600,
    about:
      'How long an RTMP connection may be idle before its first call, such as a page that waits for its record button.',
  }),
  http: {
    listen: new Key(optionalListenAddress(8086), {
      default: '127.0.0.1:8086',
      about: 'The livestreamrecord interface. Empty: off.',
    }),
    strictStatus: new Key(flag, {
      default: false,
      about: 'Answer 404 for streams that are not there, instead of 200 with a text that says so.',
    }),
  },
  rest: {
    listen: new Key(optionalListenAddress(8087), {
      default: '127.0.0.1:8087',
      about: 'The streamrecorders REST interface. Empty: off.',
    }),
  },
  users: new Key(list(user, 'users'), {
    default: [],
    about: 'Who may use both HTTP interfaces, by digest or basic authentication. Tokens of auth.tokens may as well.',
    secret: true,
  }),
  passwordFile: new Key(text('the path of a file'), {
    default: '',
    about: 'More users, in the form of admin.password: a name and a password on each line.',
  }),
  anonymous: new Key(flag, {
    default: false,
    about: 'Let everybody on this machine use both HTTP interfaces without authentication. On loopback only.',
  }),
}

/** What the facade is configured with. */
export type WowzaSettings = ValuesOf<typeof WOWZA_KEYS>

/** What the configuration knows of this facade. */
export const WOWZA = declareFacade({
  name: 'wowza',
  keys: WOWZA_KEYS,
  paths: ['passwordFile'],
  likes: {
    fms: {
      rules: [],
      'facades.wowza.enabled': true,
      // Flash Media Server had no such interfaces.
      'facades.wowza.http.listen': '',
      'facades.wowza.rest.listen': '',
    },
    wowza: {
      rules: [],
      'facades.wowza.enabled': true,
      // Content of all applications lies in one folder, unless Application.xml says else.
      'facades.wowza.folder': '',
    },
  },
  listeners: ({ http, rest, anonymous }) => [
    door('http.listen', http.listen, anonymous),
    door('rest.listen', rest.listen, anonymous),
  ],
})

function door(key: string, address: ListenAddress | undefined, isOpen: boolean) {
  return { key, address, isOpen, linesToAdd: ['anonymous: false'] }
}
