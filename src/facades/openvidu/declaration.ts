import { declareFacade } from '#config/facade.ts'
import { Key } from '#config/key.ts'
import { choice } from '#config/values/choice.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { flag } from '#config/values/flag.ts'
import { text } from '#config/values/text.ts'
import { textMap } from '#config/values/text-map.ts'

/** The secret of the vendor's samples: known to everybody, so it closes nothing. */
export const SAMPLE_SECRET = 'MY_SECRET'

/** What the configuration knows of the OpenVidu facade. */
export const OPENVIDU = declareFacade({
  name: 'openvidu',
  keys: {
    enabled: new Key(flag, {
      default: false,
      about: 'Takes the browsers and servers of applications written for OpenVidu 2.',
    }),
    compat: new Key(choice(['classic', 'modern']), {
      default: 'classic',
      about: 'Where releases contradict each other: as 2.0 to 2.4 did (classic), or as 2.32 does (modern).',
    }),
    properties: new Key(text('a file'), {
      default: '',
      about:
        "The vendor's properties or .env file, read as it is at start; names not known here are ignored with a line in the log.",
    }),
    override: new Key(textMap('properties'), {
      default: {},
      about: "Properties of the vendor's that count instead of those in its file, such as { openvidu.recording: 'true' }.",
    }),
    listen: new Key(optionalListenAddress(4443), {
      default: '127.0.0.1:4443',
      about: "HTTPS and secure WebSocket for browsers and applications; the vendor's clients know nothing else. '': off.",
    }),
    tls: {
      certificate: new Key(text('a PEM file'), {
        default: '',
        about: 'PEM file with the certificate chain. Empty: self-signed, kept in the data folder.',
      }),
      key: new Key(text('a PEM file'), { default: '', about: "PEM file with the certificate's private key." }),
    },
    publicUrl: new Key(text('an address such as https://example.com:4443'), {
      default: '',
      about: 'Where clients find this server: in the tokens they get. Empty: https://localhost and the port of listen.',
    }),
    secret: new Key(text('letters, digits, _ and -', { pattern: /^[\w-]+$/ }), {
      default: SAMPLE_SECRET,
      about: "The password of applications (user OPENVIDUAPP). With the vendor's sample the door opens on this machine only.",
      secret: true,
    }),
  },
  paths: ['properties', 'tls.certificate', 'tls.key'],
  likes: {
    openvidu: {
      'facades.openvidu.enabled': true,
      // What is recorded by itself is said by the sessions.
      rules: [],
    },
  },
  listeners: ({ listen, secret }) => [
    {
      key: 'listen',
      address: listen,
      isOpen: secret === SAMPLE_SECRET,
      linesToAdd: ["secret: 'a_long_secret_of_your_own'"],
    },
  ],
})
