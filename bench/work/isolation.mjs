export const benchIsolation = () => [];
