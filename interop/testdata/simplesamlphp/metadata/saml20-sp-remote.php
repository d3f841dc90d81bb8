<?php
// The service providers, by entity id, as SimpleSAMLphp's own settings.
$metadata = json_decode(file_get_contents(getenv('INTEROP_DIR') . '/sp.json'), true, 16, JSON_THROW_ON_ERROR);
