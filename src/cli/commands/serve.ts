import type { Command } from 'commander'
import type { Config } from '#config/config.ts'
import { formatListenAddress } from '#config/values/listen-address.ts'
import { configFromOptions, withConfigOptions } from '../config-options.ts'
import type { CommandContext, RunningServer } from '../context.ts'

/** `tapedeck serve`: runs until SIGINT or SIGTERM, then finishes every recording. */
export function addServe(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .description('record every stream that is published, until Ctrl-C')
    .option('--json', 'print the addresses as one JSON object')
  withConfigOptions(command, context).action(async (options: Readonly<Record<string, unknown>>) => {
    const { config } = await configFromOptions(options, context, 'keep')
    const interrupted = Promise.withResolvers<void>()
    using _ = context.onInterrupt(() => interrupted.resolve())
    const server = await context.startServer(config)
    if (options['json'] === true) context.print(JSON.stringify(readyDocument(server, config)))
    else for (const line of readyLines(server, config)) context.print(line)
    await interrupted.promise
    context.note('Finishing recordings …')
    await server.close()
  })
}

function readyDocument({ addresses, facadeAddresses }: RunningServer, config: Config) {
  return {
    page: `http://${formatListenAddress(addresses.api)}/`,
    rtmp: addresses.rtmp === undefined ? null : `rtmp://${formatListenAddress(addresses.rtmp)}`,
    rtmps: addresses.rtmps === undefined ? null : `rtmps://${formatListenAddress(addresses.rtmps)}`,
    rtsp: addresses.rtsp === undefined ? null : `rtsp://${formatListenAddress(addresses.rtsp)}`,
    rtsps: addresses.rtsps === undefined ? null : `rtsps://${formatListenAddress(addresses.rtsps)}`,
    whip: addresses.webrtc === undefined ? null : `http://${formatListenAddress(addresses.api)}/whip`,
    recordings: config.recordings.roots[0],
    facades: Object.fromEntries(
      Object.entries(facadeAddresses).map(([name, doors]) => [
        name,
        Object.fromEntries(Object.entries(doors).map(([door, address]) => [door, formatListenAddress(address)])),
      ]),
    ),
  }
}

/** Lines a person can act on: where to publish, where the files go, where to watch, and a line per facade. */
function readyLines(server: RunningServer, config: Config): string[] {
  const ready = readyDocument(server, config)
  const base = ready.rtmp ?? ready.rtmps
  const key = config.auth.publish === 'key' ? '?key=TOKEN' : ''
  const publish =
    base === null
      ? 'nowhere: rtmp.listen and rtmp.tls.listen are both off'
      : `ffmpeg -re -i in.mp4 -c copy -f flv '${base}/live/cam1${key}'   (OBS: server ${base}/live, stream key cam1${key})`
  const facades = Object.entries(ready.facades).map(([name, doors]) => {
    const listed = Object.entries(doors).map(([door, address]) => `${door} ${address}`)
    return `Facade   ${name}: ${listed.join(', ')}`
  })
  const cameras = ready.rtsp ?? ready.rtsps
  const rtsp = cameras === null ? [] : [`RTSP     ${cameras}/live/cam1${key}   (to publish, and to play)`]
  const whip =
    ready.whip === null ? [] : [`WebRTC   ${ready.whip}/live/cam1${key}   (browsers and OBS; players: /whep/live/cam1)`]
  return [`Publish  ${publish}`, ...rtsp, ...whip, `Files    ${ready.recordings}`, `Watch    ${ready.page}`, ...facades]
}
