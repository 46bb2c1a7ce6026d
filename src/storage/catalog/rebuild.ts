import { realpath } from 'node:fs/promises'
import type { Runtime } from '#base/runtime.ts'
import type { Container, ContainerName, PartInspection } from '#containers/container.ts'
import { isVideoCodec } from '#media/codec.ts'
import { StorageError } from '../errors.ts'
import type { ManifestStore } from '../manifests.ts'
import { filesOpenElsewhere } from '../open-elsewhere.ts'
import { openPartForReading } from '../part-files.ts'
import type { PartTrackDocument, RecordingDocument } from '../recording-document.ts'
import type { Catalog } from './catalog.ts'
import { type FoundFile, findFiles } from './find-files.ts'

export interface RebuildOptions {
  readonly catalog: Catalog
  readonly manifests: ManifestStore
  /** As configured; searched for files that no manifest knows. */
  readonly roots: readonly string[]
  readonly containers: Readonly<Record<ContainerName, Container>>
  readonly node: string
  readonly runtime: Pick<Runtime, 'nowMs' | 'newId' | 'log'>
  /** What a file's path tells, as far as it follows a name template. */
  readonly readName: (relativePath: string) => ReadName | undefined
  /** Told now and then. */
  readonly onProgress: (progress: RebuildProgress) => void
  readonly signal: AbortSignal
}

/** Elements of a name as the template calls them: `live/cam1` is the app `live`, the stream `cam1`, or the path. */
export interface ReadName {
  readonly app?: string
  readonly stream?: string
  readonly path?: string
  readonly startedAtMs?: number
}

/** How far a rebuild has come. */
export interface RebuildProgress {
  readonly manifests: number
  readonly damagedManifests: number
  /** Files added that no manifest knew. */
  readonly recovered: number
  /** Files that are none of ours, or unreadable. */
  readonly skipped: number
}

/** Manifests on their way to the catalog at a time: enough to share transactions, few enough to stay small. */
const SAVES_IN_FLIGHT = 200

/**
 * Fills an empty catalog from the manifests, then from the files that none of them knows, each as a `ready` recording
 * with the metadata `recovered: true`. Reads files, never changes them; those changed since it began, or
 * that another server is writing, are left alone. Runs beside everything else.
 */
export async function rebuildCatalog(options: RebuildOptions): Promise<RebuildProgress> {
  const { catalog, runtime, signal } = options
  const beganAtMs = runtime.nowMs()
  let progress: RebuildProgress = { manifests: 0, damagedManifests: 0, recovered: 0, skipped: 0 }
  const count = (what: keyof RebuildProgress): void => {
    progress = { ...progress, [what]: progress[what] + 1 }
    options.onProgress(progress)
  }

  let saves: Promise<void>[] = []
  for await (const manifest of options.manifests.readAll()) {
    signal.throwIfAborted()
    if (manifest instanceof StorageError) {
      runtime.log.warn({ event: 'rebuild.manifest-damaged', path: manifest.path, err: manifest })
      count('damagedManifests')
      continue
    }
    // What is recorded at this moment is in the catalog already, newer than its manifest.
    if ((await catalog.get(manifest.id)) === undefined) saves.push(catalog.save(manifest))
    if (saves.length >= SAVES_IN_FLIGHT) {
      await Promise.all(saves)
      saves = []
    }
    count('manifests')
  }
  await Promise.all(saves)

  const known = await catalog.knownPaths()
  let openElsewhere: ReadonlySet<string> | undefined
  for await (const file of findFiles(options.roots, extensionsOf(options.containers))) {
    signal.throwIfAborted()
    if (known.has(`${file.root}\0${file.relativePath}`) || file.modifiedAtMs >= beganAtMs) continue
    const recording = await recordingOf(file, options)
    if (recording !== undefined && recording.state !== 'ready') {
      openElsewhere ??= await filesOpenElsewhere()
      if (openElsewhere.has(await realpath(file.path))) {
        runtime.log.warn(
          { event: 'rebuild.file-in-use', path: file.path },
          'another server is recording this file: give each server a recordings.root of its own',
        )
        continue
      }
    }
    if (recording !== undefined) {
      await options.manifests.save(recording)
      await catalog.save(recording)
    }
    count(recording === undefined ? 'skipped' : 'recovered')
  }
  // A first start finds nothing, and has nothing to tell.
  if (progress.manifests + progress.damagedManifests + progress.recovered > 0) {
    runtime.log.info({ event: 'rebuild.finished', ...progress }, 'the catalog was empty: rebuilt from what is on disk')
  }
  return progress
}

function extensionsOf(containers: Readonly<Record<ContainerName, Container>>): ReadonlyMap<string, ContainerName> {
  return new Map(Object.values(containers).map(({ extension, name }) => [`.${extension}`, name]))
}

async function recordingOf(file: FoundFile, options: RebuildOptions): Promise<RecordingDocument | undefined> {
  const { runtime, readName, node } = options
  const container = options.containers[file.container]
  let inspection: PartInspection
  try {
    await using part = await openPartForReading(file.path)
    inspection = await container.inspect(part)
  } catch (err) {
    runtime.log.debug({ event: 'rebuild.file-skipped', path: file.path, err })
    return undefined
  }
  if (inspection.tracks.every(({ accessUnits }) => accessUnits === 0)) return undefined
  const name = readName(file.relativePath)
  const startedAtMs = name?.startedAtMs ?? file.modifiedAtMs - inspection.durationMs
  const startedAt = new Date(startedAtMs).toISOString()
  const tracks = inspection.tracks.map(trackOf)
  return {
    id: runtime.newId(),
    node,
    stream: streamOf(name) ?? folderOf(file.relativePath),
    // What a crash left open is listed as such, for the recovery that follows.
    state: inspection.finished ? 'ready' : 'recording',
    format: file.container,
    rule: null,
    startedAt,
    endedAt: new Date(startedAtMs + inspection.durationMs).toISOString(),
    requestedAt: startedAt,
    durationMs: inspection.durationMs,
    bytes: file.bytes,
    parts: [
      {
        index: 1,
        path: file.relativePath,
        root: file.root,
        state: inspection.finished ? 'ready' : 'open',
        startedAt,
        sourceStartedAt: null,
        startMs: 0,
        durationMs: inspection.durationMs,
        bytes: file.bytes,
        sha256: null,
        tracks,
      },
    ],
    ledger: {
      tracks: tracks.map(({ trackId, kind, codec, accessUnits }) => {
        return { trackId, kind, codec, received: accessUnits, written: accessUnits, lost: 0 }
      }),
      gaps: [],
    },
    metadata: { recovered: 'true' },
    held: false,
    error: null,
  }
}

function trackOf({ trackId, codec, accessUnits, payloadBytes }: PartInspection['tracks'][number]): PartTrackDocument {
  return {
    trackId,
    kind: isVideoCodec(codec) ? 'video' : 'audio',
    codec,
    codecString: codec,
    accessUnits,
    payloadBytes,
  }
}

function streamOf(name: ReadName | undefined): string | undefined {
  if (name?.path !== undefined) return name.path
  return name?.app !== undefined && name.stream !== undefined ? `${name.app}/${name.stream}` : name?.stream
}

/** `live/cam1/x.mp4` was probably of the stream `live/cam1`; a file in the root itself is called as the file. */
function folderOf(relativePath: string): string {
  const slash = relativePath.lastIndexOf('/')
  return slash === -1 ? relativePath.replace(/\.[^.]*$/, '') : relativePath.slice(0, slash)
}
