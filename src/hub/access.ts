/** Who asks to publish or play what; `key` is the credential found in the URL query or the protocol's login. */
export interface AccessRequest {
  readonly action: 'publish' | 'play'
  readonly path: string
  readonly protocol: string
  /** IP address, without a port. */
  readonly remoteAddress: string
  /** Query parameters of the stream name and connection URL, e.g. `key`. */
  readonly query: Readonly<Record<string, string>>
  /** The caller has shown that he knows a secret without telling it (Digest): whether it is this one. */
  readonly proves?: ((secret: string) => boolean) | undefined
}

/** Decides who may publish and play. Implemented in control/; front doors only ask. */
export interface StreamAccess {
  /** Resolves when allowed. @throws {TapedeckError} code `auth/…` when refused */
  authorize(request: AccessRequest): Promise<void>
  /** The logins by which somebody refused may be admitted, for protocols that ask for one; absent or empty: none. */
  logins?(action: 'publish' | 'play'): readonly ('digest' | 'basic')[]
}
