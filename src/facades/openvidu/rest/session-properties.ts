import { FORCED_CODECS, type OpenViduSettings } from '../configuration/settings.ts'
import { defaultRecordingProperties } from '../defaults.ts'
import { VendorRequestError } from '../errors.ts'
import {
  type CameraProperties,
  type ConnectionProperties,
  type SessionProperties,
  VENDOR_ROLES,
} from '../properties.ts'
import { OUTPUT_MODES, RECORDING_LAYOUTS } from '../recording/recording-facts.ts'
import type { Body } from './body.ts'
import { readRecordingProperties } from './recording-properties.ts'

/** A connection's data. spec section 3.5. */
const MAX_DATA_CHARACTERS = 10_000
const MAX_ICE_SERVERS = 20
/** The original's default; cameras are waited for as all RTSP is. */
const NETWORK_CACHE_MS = 2_000

/** The body of `POST /sessions`, of all versions. spec section 3.4. @throws {VendorRequestError | RecordingPropertiesError} */
export function readSessionProperties(
  body: Body,
  { compat, forcedVideoCodec, allowTranscoding }: OpenViduSettings,
): SessionProperties {
  const customSessionId = body.text('customSessionId', 200) ?? ''
  // It becomes the name of files.
  if (!/^[A-Za-z0-9_-]*$/.test(customSessionId)) {
    throw new VendorRequestError('customSessionId may have letters, digits, _ and - only')
  }
  const defaults = defaultRecordingProperties(compat)
  const before218 = {
    ...defaults,
    outputMode: body.oneOf('defaultOutputMode', OUTPUT_MODES) ?? defaults.outputMode,
    recordingLayout: body.oneOf('defaultRecordingLayout', RECORDING_LAYOUTS) ?? defaults.recordingLayout,
    customLayout: body.text('defaultCustomLayout') ?? defaults.customLayout,
  }
  const given = body.object('defaultRecordingProperties')
  return {
    customSessionId,
    mediaMode: body.oneOf('mediaMode', ['ROUTED', 'RELAYED']) ?? 'ROUTED',
    recordingMode: body.oneOf('recordingMode', ['ALWAYS', 'MANUAL']) ?? 'MANUAL',
    defaultRecordingProperties: given === undefined ? before218 : readRecordingProperties(given, defaults),
    forcedVideoCodec: body.oneOf('forcedVideoCodec', FORCED_CODECS) ?? forcedVideoCodec,
    allowTranscoding: body.flag('allowTranscoding') ?? allowTranscoding,
  }
}

/** What `POST /tokens` and `POST /sessions/S/connection` say of a connection. spec section 3.5. @throws {VendorRequestError} */
export function readConnectionProperties(body: Body): ConnectionProperties {
  const iceServers = body.objects('customIceServers') ?? []
  if (iceServers.length > MAX_ICE_SERVERS) throw new VendorRequestError(`customIceServers are over ${MAX_ICE_SERVERS}`)
  return {
    role: body.oneOf('role', VENDOR_ROLES) ?? 'PUBLISHER',
    data: body.text('data', MAX_DATA_CHARACTERS) ?? '',
    record: body.flag('record') ?? true,
    kurentoOptions: body.object('kurentoOptions')?.members ?? null,
    customIceServers: iceServers.map((server) => {
      const username = server.text('username')
      const credential = server.text('credential')
      return {
        url: server.requiredText('url'),
        ...(username !== undefined && { username }),
        ...(credential !== undefined && { credential }),
      }
    }),
  }
}

/** What `POST /sessions/S/connection` says of an IP camera; undefined: it is about a client. @throws {VendorRequestError} */
export function readCameraProperties(body: Body): CameraProperties | undefined {
  if (body.oneOf('type', ['WEBRTC', 'IPCAM']) !== 'IPCAM') return undefined
  const rtspUri = body.requiredText('rtspUri')
  // Other schemes reach more than cameras.
  if (!/^rtsps?:\/\//i.test(rtspUri)) throw new VendorRequestError('rtspUri has to begin with rtsp:// or rtsps://')
  return {
    rtspUri,
    adaptativeBitrate: body.flag('adaptativeBitrate') ?? true,
    onlyPlayWithSubscribers: body.flag('onlyPlayWithSubscribers') ?? true,
    networkCache: body.integer('networkCache') ?? NETWORK_CACHE_MS,
  }
}
