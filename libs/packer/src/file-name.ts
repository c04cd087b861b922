// No segment begins with a dot, so there is neither `..` nor a hidden file; none is empty, so no path is absolute.
const SEGMENT = /^[A-Za-z0-9_@+][A-Za-z0-9_@+~.-]{0,99}$/;
const MAX_SEGMENTS = 16;
const MAX_LENGTH = 200;

/** Whether a file may have this name in an artifact: plain names, folders between them, the same on any system. */
export function isArtifactFile(name: string): boolean {
  const segments = name.split('/');
  return (
    name.length <= MAX_LENGTH &&
    segments.length <= MAX_SEGMENTS &&
    segments.every((segment) => SEGMENT.test(segment))
  );
}

/** The folders that a file lies in: `a/b/c.txt` lies in `a` and `a/b`. */
export function foldersOf(name: string): string[] {
  const segments = name.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}
