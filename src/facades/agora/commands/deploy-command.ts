import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { errorMessage } from '#base/error.ts'
import type { FacadeCommandContext } from '#config/facade.ts'
import { systemCode } from '#storage/errors.ts'
import { AgoraKeysError, AgoraOptionError, ForeignConfigError } from '../errors.ts'
import { isHexId } from '../keys/signing.ts'
import { type CommandOptions, rootOption, textOption } from './options.ts'

const DEFAULT_PORT = 8001
const FIRST_LINE = '# Written by tapedeck agora deploy, which writes it anew when it is called again.'

/** `tapedeck agora deploy`: ends with `deploy successfully` or `deploy failed`. spec section 2. */
export async function deployCommand(options: CommandOptions, context: FacadeCommandContext): Promise<void> {
  try {
    const file = await deploy(options, context)
    context.note(`wrote ${file}: start the server with tapedeck serve --like agora --config ${file}`)
    context.print('deploy successfully')
  } catch (error) {
    context.note(errorMessage(error))
    context.print('deploy failed')
    context.fail()
  }
}

async function deploy(options: CommandOptions, context: FacadeCommandContext): Promise<string> {
  const { env, cwd } = context
  const [vendorKey = '', signKey = ''] = [textOption(options, 'key'), textOption(options, 'sign')]
  if (!isHexId(vendorKey)) throw new AgoraKeysError('vendorKey')
  if (!isHexId(signKey)) throw new AgoraKeysError('signKey')
  const portText = textOption(options, 'port') ?? env['PORT'] ?? String(DEFAULT_PORT)
  const port = Number(portText)
  if (!/^\d+$/.test(portText) || port < 1 || port > 65_535) {
    throw new AgoraOptionError('port', 'a port from 1 to 65535')
  }
  const root = rootOption(options, context)
  await checkFolder(root)
  await checkPort(port)
  const file = resolve(cwd, textOption(options, 'config') ?? 'tapedeck.yaml')
  await checkOurs(file)
  const content = stringify({
    recordings: { root },
    rules: [],
    webrtc: { videoCodecs: ['h264'] },
    facades: { agora: { enabled: true, listen: `0.0.0.0:${port}`, vendorKey, signKey } },
  })
  // It holds the sign key.
  await writeFile(`${file}.new`, `${FIRST_LINE}\n${content}`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return file
}

/** @throws the system's error when nothing can be written there */
async function checkFolder(root: string): Promise<void> {
  await mkdir(dirname(root), { recursive: true })
  // Not recursively: Node never comes back from where no folder can be made, such as /proc.
  await mkdir(root).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error
  })
  const trial = join(root, `.deploy-${process.pid}`)
  await writeFile(trial, '')
  await rm(trial)
}

async function checkPort(port: number): Promise<void> {
  const server = createServer()
  const { promise, resolve: done, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ port, host: '0.0.0.0' }, done)
  await promise
  const closed = Promise.withResolvers<void>()
  server.close(() => closed.resolve())
  await closed.promise
}

/** @throws {ForeignConfigError} */
async function checkOurs(file: string): Promise<void> {
  try {
    if (!(await readFile(file, 'utf8')).startsWith(FIRST_LINE)) throw new ForeignConfigError(file)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
