import { declareFacade } from '#config/facade.ts'
import { Key } from '#config/key.ts'
import { choice } from '#config/values/choice.ts'
import { flag } from '#config/values/flag.ts'
import { list } from '#config/values/list.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { seconds } from '#config/values/seconds.ts'
import { text } from '#config/values/text.ts'
import { agoraCommands } from './commands/commands.ts'

/** What the configuration knows of the facade for Agora Recording Server. */
export const AGORA = declareFacade({
  name: 'agora',
  keys: {
    enabled: new Key(flag, {
      default: false,
      about: 'Records channels as Agora Recording Server does: streams <channel>/<uid>, into its tree of files.',
    }),
    listen: new Key(optionalListenAddress(8001), {
      default: '127.0.0.1:8001',
      about: "HTTP calls that start, stop and ask. '': off.",
    }),
    vendorKey: new Key(text('32 hex digits'), {
      default: '',
      about: 'Vendor key (App ID) of the project whose keys are good here.',
    }),
    signKey: new Key(text('32 hex digits'), {
      default: '',
      about:
        'Sign key (App Certificate) that Recording Dynamic Keys are checked with. Empty: the vendor key alone is the key, and the door opens on this machine only.',
      secret: true,
    }),
    cloud: {
      customerId: new Key(text('a text'), {
        default: '',
        about:
          'Customer ID that calls of Cloud Recording (acquire, start, query, stop) are made with. Empty: none are taken.',
      }),
      customerSecret: new Key(text('a text'), {
        default: '',
        about: 'Customer secret that goes with it.',
        secret: true,
      }),
      web: new Key(flag, {
        default: false,
        about:
          'Cloud Recording records pages too (mode web): a browser of this machine opens whatever address is given.',
      }),
    },
    allowedOrigins: new Key(list(text('an origin such as https://example.com', { minLength: 1 }), 'origins'), {
      default: [],
      about: 'Web pages of these origins may call from a browser.',
    }),
    audioOnly: new Key(flag, { default: false, about: 'Records sound alone, whatever a start says.' }),
    utc: new Key(flag, { default: false, about: "Names by UTC instead of this machine's time zone." }),
    closedErrorStatus: new Key(flag, {
      default: false,
      about: 'Ends the fourth line of Metadata.txt with </error status> instead of <status>, as the vendor prints it.',
    }),
    emptySeconds: new Key(seconds({ min: 0, max: 3600 }), {
      default: 30,
      about: 'A channel whose last user was lost without a goodbye is stopped after this long.',
    }),
    silencePaddingSeconds: new Key(seconds({ min: 0, max: 300 }), {
      default: 0,
      about:
        "Silence at the end of .mp4 files of channels that nobody stopped; the vendor's server leaves 30 seconds there.",
    }),
    convert: {
      when: new Key(choice(['hourly', 'atOnce', 'never']), {
        default: 'hourly',
        about:
          'When .tmp files become .mp4: every full hour, as soon as they end (and every hour), or by command only.',
      }),
      log: new Key(text('a file'), {
        default: '',
        about:
          'Log of the conversions, /var/log/agora_hourly.log at the vendor. Empty: agora_hourly.log in the data folder.',
      }),
    },
  },
  paths: ['convert.log'],
  likes: {
    agora: {
      'facades.agora.enabled': true,
      // Channels are recorded when somebody starts it.
      rules: [],
      // What the vendor records.
      'webrtc.videoCodecs': ['h264'],
    },
  },
  environment,
  commands: agoraCommands,
  listeners: ({ listen, signKey }) => [
    {
      key: 'listen',
      address: listen,
      isOpen: signKey === '',
      linesToAdd: ["signKey: '<sign key of the project>'"],
    },
  ],
})

/** The vendor's own variables. spec section 2. */
function environment(variables: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const { PORT = '', AGORA_FILE_ROOT = '' } = variables
  return {
    // The vendor's service listens on all addresses.
    ...(PORT !== '' && { 'facades.agora.listen': /^\d+$/.test(PORT) ? `0.0.0.0:${PORT}` : PORT }),
    ...(AGORA_FILE_ROOT !== '' && { 'recordings.root': AGORA_FILE_ROOT }),
  }
}
