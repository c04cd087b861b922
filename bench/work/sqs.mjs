export const benchSqs = () => [];
