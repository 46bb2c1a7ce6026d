import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { requestSource } from '#api/cross-site.ts'
import { ApplicationUnknownError, ForeignPageError } from '../errors.ts'

const USER = 'OPENVIDUAPP'

/** Whether the caller knows the secret. spec section 2.2. */
export function isApplication({ headers }: Pick<FastifyRequest, 'headers'>, secret: string): boolean {
  const [, credential = ''] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '') ?? []
  const [user = '', ...rest] = Buffer.from(credential, 'base64').toString().split(':')
  // Both, always: the time taken says nothing.
  return [isSame(user, USER), isSame(rest.join(':'), secret)].every(Boolean)
}

/** Compares digests, so that the time taken says nothing. */
export function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

/**
 * Scripts of any page may call, as the vendor has it. What a browser sends of a page's own accord (a form, a picture)
 * may carry credentials that it remembers, and nobody has asked for it.
 * @throws {ApplicationUnknownError | ForeignPageError}
 */
export function checkApplication(request: FastifyRequest, secret: string): void {
  const mode = request.headers['sec-fetch-mode']
  const isScript = mode === undefined || mode === 'cors' || mode === 'same-origin'
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  if (!isScript && !isReading && requestSource(request, []) === 'foreign') throw new ForeignPageError()
  if (!isApplication(request, secret)) throw new ApplicationUnknownError()
}
