/** Whose files they are, and what is in them. */
export interface FileNameFacts {
  /** Folders below the recording root. */
  readonly folders: readonly string[]
  readonly sid: string
  readonly cname: string
  /** Undefined: everybody's, mixed. */
  readonly uid: number | undefined
  /** Told by names of single users' files only. */
  readonly type: 'av' | 'audio' | 'video'
}

/** What the files of one picture and sound are called. spec section 7. */
export class FileNames {
  readonly #facts: FileNameFacts

  constructor(facts: FileNameFacts) {
    this.#facts = facts
  }

  /** Path of the playlist below the root. */
  get playlist(): string {
    const { cname } = this.#facts
    return `${this.#stem(cname)}${this.#user}${this.#type}.m3u8`
  }

  /** Path of an MP4 below the root, without its extension. @param index from 0 */
  mp4(index: number): string {
    return `${this.#stem(this.#facts.cname)}${this.#user || '_'}${index}`
  }

  /** Name template of the slices, each with the time at which it begins. */
  get sliceTemplate(): string {
    // In a playlist a name is an address, in which a channel's blanks and signs would mean something else.
    const cname = this.#facts.cname.replaceAll(/[^\w.-]/g, '_')
    return `${this.#stem(cname)}${this.#user}${this.#type}_{partUtcMillis}`
  }

  #stem(cname: string): string {
    const { folders, sid } = this.#facts
    return [...folders, `${sid}_${cname}`].join('/')
  }

  get #user(): string {
    const { uid } = this.#facts
    return uid === undefined ? '' : `__uid_s_${uid}__uid_e_`
  }

  get #type(): string {
    const { uid, type } = this.#facts
    return uid === undefined ? '' : type
  }
}
