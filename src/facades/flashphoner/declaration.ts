import { declareFacade } from '#config/facade.ts'
import { Key } from '#config/key.ts'
import { flag } from '#config/values/flag.ts'
import { list } from '#config/values/list.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { propertyMap } from '#config/values/property-map.ts'
import { text } from '#config/values/text.ts'

/** What the configuration knows of the Flashphoner facade. */
export const FLASHPHONER = declareFacade({
  name: 'flashphoner',
  keys: {
    enabled: new Key(flag, {
      default: false,
      about: 'Records as Flashphoner WCS is configured to, and answers its REST methods.',
    }),
    properties: new Key(text('a file'), {
      default: '',
      about: "The vendor's conf/flashphoner.properties, read as it is at start; keys not about recording are ignored.",
    }),
    override: new Key(propertyMap, {
      default: {},
      about: "Keys of the vendor's that count instead of those in its file, such as { record_rotation: 3600 }.",
    }),
    ws: {
      listen: new Key(optionalListenAddress(8080), {
        default: '127.0.0.1:8080',
        about: "WebSocket for the vendor's web SDK: publishing, playing and rooms. '': off.",
      }),
      tls: {
        listen: new Key(optionalListenAddress(8443), {
          default: '127.0.0.1:8443',
          about: "The same over TLS, with the certificate of web.tls. '': off.",
        }),
      },
    },
    sdkFolder: new Key(text('a folder'), {
      default: '',
      about:
        "The vendor's web SDK as it is installed (node_modules/@flashphoner/websdk), served to everybody at /client2/ beside the records. Empty: nothing is.",
    }),
    web: {
      listen: new Key(optionalListenAddress(8081), {
        default: '127.0.0.1:8081',
        about: "REST methods and finished records over HTTP. '': off.",
      }),
      tls: {
        listen: new Key(optionalListenAddress(8444), {
          default: '127.0.0.1:8444',
          about: "The same over HTTPS. '': off.",
        }),
        certificate: new Key(text('a PEM file'), {
          default: '',
          about: 'PEM file with the certificate chain. Empty: self-signed, kept in the data folder.',
        }),
        key: new Key(text('a PEM file'), { default: '', about: "PEM file with the certificate's private key." }),
      },
      allowedHosts: new Key(list(text('a host name, with or without a port', { minLength: 1 }), 'host names'), {
        default: [],
        about: 'Names in the Host header that are this server, besides the addresses it listens on.',
      }),
      allowedOrigins: new Key(list(text('an origin such as https://example.com', { minLength: 1 }), 'origins'), {
        default: [],
        about:
          'Web pages of these origins may call REST methods from a browser, and use the WebSocket as pages of this machine may.',
      }),
    },
    userName: new Key(text('a user name without a colon', { pattern: /^[^:]*$/ }), {
      default: '',
      about: 'User name asked for together with the password.',
    }),
    password: new Key(text('a password'), {
      default: '',
      about:
        'Asked for by REST methods and records: as Basic or Bearer credential, or as ?token= behind the address of a record. Empty: nobody is asked, and the doors open on this machine only.',
      secret: true,
    }),
  },
  paths: ['properties', 'sdkFolder', 'web.tls.certificate', 'web.tls.key'],
  likes: {
    flashphoner: {
      'facades.flashphoner.enabled': true,
      // What is recorded by itself is said by the vendor's own keys.
      rules: [],
    },
  },
  listeners: ({ web, ws, password }) => [
    ...[['web.listen', web.listen] as const, ['web.tls.listen', web.tls.listen] as const].map(([key, address]) => {
      return { key, address, isOpen: password === '', linesToAdd: ["password: 'a long secret of your own'"] }
    }),
    // Who may publish and play is asked of everybody who comes, as at the doors for encoders.
    ...[['ws.listen', ws.listen] as const, ['ws.tls.listen', ws.tls.listen] as const].map(([key, address]) => {
      return { key, address, isOpen: 'unlessStreamsAreKeyed' as const, linesToAdd: [] }
    }),
  ],
})
