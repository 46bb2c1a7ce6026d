import { randomInt } from 'node:crypto'
import type { FacadeCommandContext } from '#config/facade.ts'
import { AgoraKeysError, AgoraOptionError } from '../errors.ts'
import type { KeyService, KeyVersion } from '../keys/dynamic-key.ts'
import { generateKey } from '../keys/generate.ts'
import { isHexId } from '../keys/signing.ts'
import { isChannelName, MAX_UID } from '../names.ts'
import { type CommandOptions, numberOption, textOption } from './options.ts'

const SERVICES: readonly KeyService[] = ['recording', 'media', 'sharing', 'permission']

/** `tapedeck key agora`: prints a Dynamic Key. @throws {AgoraOptionError} @throws {AgoraKeysError} */
export async function keyCommand(options: CommandOptions, { print }: FacadeCommandContext): Promise<void> {
  const appId = textOption(options, 'vendorKey') ?? ''
  const certificate = textOption(options, 'signKey') ?? ''
  if (!isHexId(appId)) throw new AgoraKeysError('vendorKey')
  if (!isHexId(certificate)) throw new AgoraKeysError('signKey')
  const channel = textOption(options, 'channel') ?? ''
  if (!isChannelName(channel)) {
    throw new AgoraOptionError('channel', '1 to 64 characters that a channel may have')
  }
  const service = SERVICES.find((each) => each === (options['service'] ?? 'recording'))
  if (service === undefined) throw new AgoraOptionError('service', SERVICES.join(', '))
  const version = numberOption(options, 'keyVersion', 5, 6)
  if (version === 0) throw new AgoraOptionError('keyVersion', 'a number from 1 to 6')
  const facts = {
    appId,
    channel,
    service,
    uid: numberOption(options, 'uid', 0, MAX_UID),
    madeAtSeconds: numberOption(options, 'at', Math.floor(Date.now() / 1000), MAX_UID),
    salt: numberOption(options, 'random', randomInt(0, MAX_UID + 1), MAX_UID),
    expiresAtSeconds: numberOption(options, 'expires', 0, MAX_UID),
  }
  const key = generateKey(version as KeyVersion, facts, certificate)
  if (key === '') throw new AgoraOptionError('service', `one that keys of version ${version} can say`)
  print(key)
}
