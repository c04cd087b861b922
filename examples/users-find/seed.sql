-- The thousand users that users/find knows. May run again and again.
CREATE TABLE IF NOT EXISTS users (
  id int PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL
);

INSERT INTO users (id, name, email)
SELECT
  i,
  (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Margaret', 'Donald'])[1 + i % 7] || ' ' || i,
  'user' || i || '@example.org'
FROM generate_series(1, 1000) AS i
ON CONFLICT (id) DO NOTHING;
