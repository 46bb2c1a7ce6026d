// Imported into a process that has time: everything else, and what it starts, goes first.
import { setPriority } from 'node:os'

setPriority(10)
