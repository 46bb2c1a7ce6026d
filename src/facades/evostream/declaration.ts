import { declareFacade } from '#config/facade.ts'
import { Key } from '#config/key.ts'
import { choice } from '#config/values/choice.ts'
import { flag } from '#config/values/flag.ts'
import { integer } from '#config/values/integer.ts'
import { list } from '#config/values/list.ts'
import { optionalListenAddress } from '#config/values/listen-address.ts'
import { record } from '#config/values/record.ts'
import { text } from '#config/values/text.ts'

const sink = record('a mapping such as { type: RPC, url: http://127.0.0.1:8888/events.php, serializerType: JSON }', {
  type: { type: choice(['file', 'RPC']), required: true },
  url: {
    type: text('an http or https URL', { pattern: /^https?:\/\//i }),
    fallback: 'http://127.0.0.1:8888/evowebservices/evowebservices.php',
  },
  serializerType: { type: choice(['JSON', 'XML', 'XMLRPC']), fallback: 'JSON' },
  filename: { type: text('a file name'), fallback: 'events.txt' },
  format: { type: choice(['text', 'xml', 'json', 'w3c']), fallback: 'text' },
  enabledEvents: { type: list(text('the name of an event', { minLength: 1 }), 'names of events') },
})

/** What the configuration knows of the EvoStream facade. */
export const EVOSTREAM = declareFacade({
  name: 'evostream',
  keys: {
    enabled: new Key(flag, { default: false, about: 'Answers the commands of EvoStream Media Server.' }),
    http: {
      listen: new Key(optionalListenAddress(7777), {
        default: '127.0.0.1:7777',
        about: "Commands over HTTP, with their parameters in base64. '': off.",
      }),
      allowedHosts: new Key(list(text('a host name, with or without a port', { minLength: 1 }), 'host names'), {
        default: [],
        about: 'Names in the Host header that are this server, besides the addresses it listens on.',
      }),
      allowedOrigins: new Key(list(text('an origin such as https://example.com', { minLength: 1 }), 'origins'), {
        default: [],
        about: 'Web pages of these origins may send commands from a browser.',
      }),
    },
    jsonCli: {
      listen: new Key(optionalListenAddress(1112), {
        default: '127.0.0.1:1112',
        about: "Commands by telnet, answers in JSON. '': off.",
      }),
      useLengthPadding: new Key(flag, {
        default: true,
        about: 'Every answer on the JSON command line begins with its length in four bytes, as shipped by the vendor.',
      }),
    },
    asciiCli: {
      listen: new Key(optionalListenAddress(1222), {
        default: '127.0.0.1:1222',
        about: "Commands by telnet, answers as lines for people. '': off.",
      }),
    },
    maxConnections: new Key(integer({ min: 1, max: 10_000, unit: 'connections' }), {
      default: 100,
      about: 'Connections of each door at a time; more are closed at once.',
    }),
    idleSeconds: new Key(integer({ min: 1, max: 86_400, unit: 'seconds' }), {
      default: 3600,
      about: 'A command line connection that sends nothing for this long is closed.',
    }),
    userName: new Key(text('a user name without a colon', { pattern: /^[^:]*$/ }), {
      default: '',
      about: 'User name asked for together with the password.',
    }),
    password: new Key(text('a password'), {
      default: '',
      about:
        'Asked for at every door: over HTTP as Basic or Bearer credential, on the command lines as `login password=…` before anything else. Empty: nobody is asked, and the doors open on this machine only.',
      secret: true,
    }),
    workingDirectory: new Key(text('a folder'), {
      default: '',
      about:
        'Where relative paths of commands begin: absolute, or relative to the first recording root. It need not exist; where a path leads must lie in a recording root.',
    }),
    defaults: {
      waitForIDR: new Key(flag, {
        default: false,
        about:
          "What `record` reports for waitForIDR when it isn't given: the vendor's program says false, its documentation true.",
      }),
      winQtCompat: new Key(flag, {
        default: true,
        about: "winQtCompat when `record` doesn't give it: the vendor's program says true, its documentation false.",
      }),
    },
    dateFolders: new Key(choice(['stream', 'plain']), {
      default: 'stream',
      about:
        'Layout of dateFolderStructure=1. stream: <pathToFile>/<stream>/<YYYYMMDD>/<stream>-<YYYYMMDD>-<HHMMSS>. plain: <folder of pathToFile>/<YYYYMMDD>/<name>.',
    }),
    mp4BinPath: new Key(text('a path'), {
      default: 'evo-mp4writer',
      about: 'What `record` answers as mp4BinPath; nothing is ever executed.',
    }),
    eventLogger: {
      customData: new Key(text('any text'), { default: '', about: 'Sent with every event as payload.customData.' }),
      sinks: new Key(list(sink, 'sinks'), {
        default: [],
        about:
          'Where events go. type file: filename (relative to the facade’s data folder) and format text, xml, json or w3c. type RPC: HTTP POST to url, serializerType JSON, XML or XMLRPC. enabledEvents limits them to the events named.',
      }),
    },
  },
  likes: {
    evostream: {
      'facades.evostream.enabled': true,
      // The vendor's server ran in its bin folder, and everybody's paths begin with ../media.
      'facades.evostream.workingDirectory': 'bin',
      rules: [],
    },
  },
  listeners: ({ http, jsonCli, asciiCli, password }) =>
    [
      ['http.listen', http.listen] as const,
      ['jsonCli.listen', jsonCli.listen] as const,
      ['asciiCli.listen', asciiCli.listen] as const,
    ].map(([key, address]) => {
      return { key, address, isOpen: password === '', linesToAdd: ["password: 'a long secret of your own'"] }
    }),
})
