export { type Executable, type ExecutableOptions, linkExecutable } from './elf/executable.ts'
export { ObjectError, type ObjectPlace, type ObjectProblem } from './errors.ts'
export { detectImage, readImage } from './image.ts'
export {
  type ImageFormat,
  type ImageRange,
  type ImageSection,
  type ImageSegment,
  type ImageSymbol,
  type ImageSymbolTable,
  imageBytesAt,
  type LinkedImage,
} from './linked-image.ts'
export { detectFormat, readObject, writeObject } from './object.ts'
export {
  type Comdat,
  type ComdatSelection,
  type NativeSection,
  NO_SYMBOL,
  type ObjectFile,
  type ObjectFormat,
  type ObjectSymbol,
  type Relocation,
  type Section,
  type SectionKind,
  type SymbolPlace,
  type SymbolType,
} from './object-file.ts'
export { type NamedRelocationKind, type RelocationKind, relocationWidth } from './relocations.ts'
