/** Where the value of a key came from, the strongest last: default, profile, file, environment, flag. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string }

/** `tapedeck.yaml:12`, `TAPEDECK_DATA`, `--data`; for defaults the word itself. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'profile':
      return `--like ${origin.name}`
    case 'file':
      return origin.line === 0 ? origin.file : `${origin.file}:${origin.line}`
    case 'environment':
    case 'flag':
      return origin.name
  }
}
