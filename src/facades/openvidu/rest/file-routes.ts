import { constants, open } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendFile } from '#api/send-file.ts'
import type { Desk } from '../desk.ts'
import { ApplicationUnknownError, NothingThereError } from '../errors.ts'
import { RecordingFolder } from '../recording/recording-folder.ts'
import type { Recordings } from '../recording/recordings.ts'
import { isApplication, isSame } from './authentication.ts'

/** What is served of recordings, by extension. spec section 2.1. */
const RECORDING_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.zip': 'application/zip',
  '.jpg': 'image/jpeg',
  '.info': 'application/json',
}

/** What a layout is made of; everything but the pages is open, and holds no secret. spec section 2.3. */
const LAYOUT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
}

interface Rest {
  Params: { readonly '*': string }
}

/** Recorded files and layouts, under the addresses of all versions. */
export function fileRoutes(app: FastifyInstance, desk: Desk, recordings: Recordings | undefined): void {
  const { secret, publicAccess, customLayout } = desk.settings
  for (const prefix of ['/recordings', '/openvidu/recordings']) {
    app.route<Rest>({
      method: ['GET', 'HEAD'],
      url: `${prefix}/*`,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        if (!publicAccess && !isApplication(request, secret)) throw new ApplicationUnknownError()
        const name = request.params['*']
        const mediaType = RECORDING_TYPES[extname(name).toLowerCase()]
        const path = mediaType === undefined ? undefined : await recordings?.find(name)
        if (mediaType === undefined || path === undefined) throw new NothingThereError('file', name)
        const isChanging = recordings?.isChanging(path) ?? false
        return await send(request, reply, path, { mediaType, isChanging })
      },
    })
  }
  const layouts = customLayout === '' ? undefined : new RecordingFolder(customLayout)
  for (const prefix of ['/layouts/custom', '/openvidu/layouts']) {
    app.route<Rest & { Querystring: { readonly secret?: unknown } }>({
      method: ['GET', 'HEAD'],
      url: `${prefix}/*`,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const asked = request.params['*']
        const name = asked === '' || asked.endsWith('/') ? `${asked}index.html` : asked
        const mediaType = LAYOUT_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream'
        const isPage = !(extname(name).toLowerCase() in LAYOUT_TYPES) || mediaType.startsWith('text/html')
        const { secret: given } = request.query
        const isKnown = typeof given === 'string' && isSame(given, secret)
        if (isPage && !isKnown && !isApplication(request, secret)) throw new ApplicationUnknownError()
        const path = await layouts?.file(name)
        if (path === undefined) throw new NothingThereError('file', name)
        // Pages get the secret in their address: it must not travel on to whatever they load.
        return await send(request, reply, path, { mediaType, isChanging: false })
      },
    })
  }
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  facts: { readonly mediaType: string; readonly isChanging: boolean },
): Promise<FastifyReply> {
  // Not blocking, so that a named pipe put there holds nobody up.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return await sendFile(request, reply, file, facts)
  } catch (error) {
    await file.close()
    throw error
  }
}
