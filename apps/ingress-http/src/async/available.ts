import { isMeshError, MeshError } from '#contracts';

/** Without a stream or bucket, or an answer in time, it is the mesh that is not there: never a 404 or a 504. */
export async function available<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (isMeshError(error) && (error.code === 'not-found' || error.code === 'deadline-exceeded'))
      throw new MeshError('not-connected', undefined, { cause: error });
    throw error;
  }
}
