<?php
// The people: "name:password" with attributes.
$settings = json_decode(file_get_contents(getenv('INTEROP_DIR') . '/settings.json'), true, 16, JSON_THROW_ON_ERROR);

$config = ['people' => ['exampleauth:UserPass'] + $settings['people']];
