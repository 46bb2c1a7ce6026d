import { declareFacade } from '#config/facade.ts'
import { Key } from '#config/key.ts'
import { flag } from '#config/values/flag.ts'
import { httpUrl } from '#config/values/http-url.ts'
import { list } from '#config/values/list.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { propertyMap } from '#config/values/property-map.ts'
import { text } from '#config/values/text.ts'
import { vendorEnvironment } from './configuration/vendor-environment.ts'

/** Names of the secret among the vendor's properties. */
const SECRET_NAMES = ['OPENVIDU_SECRET', 'openvidu.secret']

/** What the configuration knows of the OpenVidu facade. */
export const OPENVIDU = declareFacade({
  name: 'openvidu',
  keys: {
    enabled: new Key(flag, {
      default: false,
      about: 'Takes the browsers and servers of applications that were written for OpenVidu 2.',
    }),
    properties: new Key(text('a file'), {
      default: '',
      about:
        "The vendor's .env or properties file, read as it is at start; what is not known here is ignored and logged.",
    }),
    override: new Key(propertyMap, {
      default: {},
      about:
        "Properties of the vendor's that count instead of those in its file, such as { OPENVIDU_RECORDING: true }.",
    }),
    secret: new Key(text('letters, digits, _ and -', { pattern: /^[\w-]*$/ }), {
      default: '',
      about:
        "Password of applications, whose name is OPENVIDUAPP. Empty: that of the properties, else the vendor's sample MY_SECRET, with which the door opens on this machine only.",
      secret: true,
    }),
    layoutUrls: new Key(list(httpUrl, 'addresses'), {
      default: [],
      about:
        'Beginnings of full URLs that customLayout may be, such as https://pages.example/layouts. Those pages are given the secret. Empty: only pages of the layouts folder are opened.',
    }),
    listen: new Key(optionalListenAddress(4443), {
      default: '127.0.0.1:4443',
      about: "HTTPS and secure WebSocket, for browsers and applications. '': off.",
    }),
    tls: {
      certificate: new Key(text('a PEM file'), {
        default: '',
        about: 'PEM file with the certificate chain. Empty: self-signed, kept in the data folder.',
      }),
      key: new Key(text('a PEM file'), { default: '', about: "PEM file with the certificate's private key." }),
    },
  },
  paths: ['properties', 'tls.certificate', 'tls.key'],
  likes: {
    openvidu: {
      'facades.openvidu.enabled': true,
      // What is recorded by itself is said by the vendor's sessions.
      rules: [],
    },
  },
  environment: vendorEnvironment,
  listeners: ({ listen, secret, override, properties }) => {
    // What the vendor's file says is seen when it is read, at start.
    const isGiven = secret !== '' || properties !== '' || SECRET_NAMES.some((name) => name in override)
    return [{ key: 'listen', address: listen, isOpen: !isGiven, linesToAdd: ["secret: 'a_long_secret_of_your_own'"] }]
  },
})
