import type { CloudStatus } from './cloud-recording.ts'
import type { ListedFile } from './recorded-files.ts'
import type { Caller, CloudFileType, CloudMode } from './request.ts'

/** What every answer begins with. */
export interface CloudIds extends Caller {
  readonly resourceId: string
}

/** {@link CloudIds} of a recording. */
export interface RecordingIds extends CloudIds {
  readonly sid: string
}

/** A recording in progress, as `query` shows it. */
export interface QueryAnswer extends RecordingIds {
  readonly serverResponse: { readonly status: CloudStatus } & (
    | (FileListAnswer & { readonly sliceStartTime: number })
    | ExtensionsAnswer
  )
}

/** What `stop` answers; `code` 435: nobody has sent anything. */
export interface StopAnswer extends RecordingIds {
  readonly code?: 435
  readonly serverResponse?: (FileListAnswer & { readonly uploadingStatus: UploadingStatus }) | ExtensionsAnswer
}

/** Files as answers carry them: only a name, where only playlists of mixed recordings are made. */
type FileListAnswer =
  | { readonly fileListMode: 'json'; readonly fileList: readonly ListedFile[] }
  | { readonly fileListMode: 'string'; readonly fileList: string }

/** Files as answers of mode web carry them, whose recorder is one of several services. */
interface ExtensionsAnswer {
  readonly extensionServiceState: readonly { readonly serviceName: string; readonly payload: object }[]
}

/** All files are whole, or one is not. */
type UploadingStatus = 'uploaded' | 'unknown'

/** What of a recording decides on the form of its answers. */
interface AnswerForm {
  readonly mode: CloudMode
  readonly fileTypes: readonly CloudFileType[]
}

/** What `query` says of files. */
export function queriedFiles(
  form: AnswerForm,
  { status, files }: { readonly status: CloudStatus; readonly files: readonly ListedFile[] },
): QueryAnswer['serverResponse'] {
  if (form.mode === 'web') return { status, extensionServiceState: [pageRecorder(files, 'inProgress')] }
  const sliceStartTime = files.length === 0 ? 0 : Math.min(...files.map((file) => file.sliceStartTime))
  return { status, ...fileList(form, files), sliceStartTime }
}

/** What `stop` says of files. */
export function stoppedFiles(
  form: AnswerForm,
  { files, hasFailed }: { readonly files: readonly ListedFile[]; readonly hasFailed: boolean },
): Pick<StopAnswer, 'code' | 'serverResponse'> {
  if (files.length === 0 && !hasFailed) return { code: 435 }
  const uploadingStatus = hasFailed ? 'unknown' : 'uploaded'
  if (form.mode !== 'web') return { serverResponse: { ...fileList(form, files), uploadingStatus } }
  const uploader = { serviceName: 'upload_service', payload: { uploadingStatus } }
  return { serverResponse: { extensionServiceState: [uploader, pageRecorder(files, 'exit')] } }
}

function fileList({ mode, fileTypes }: AnswerForm, files: readonly ListedFile[]): FileListAnswer {
  if (mode === 'individual' || fileTypes.includes('mp4')) return { fileListMode: 'json', fileList: files }
  return { fileListMode: 'string', fileList: files[0]?.fileName ?? '' }
}

function pageRecorder(files: readonly ListedFile[], state: 'inProgress' | 'exit') {
  const fileList = files.map(({ fileName, sliceStartTime }) => ({ filename: fileName, sliceStartTime }))
  return { serviceName: 'web_recorder_service', payload: { state, onhold: false, fileList } }
}
